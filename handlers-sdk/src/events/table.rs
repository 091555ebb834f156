//! [`TableChange`]: rows or documents that have changed, on any platform.

use super::aws::dynamodb::{self, Attribute};
use super::neutral::{cloud_event, json, refused, said, text_of};
use super::{Base64, aws, cbor, google, huawei, openwhisk};
use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::encoding::time;
use crate::error::Error;
use serde_json::{Map, Value};

/// The members of a row or document by name.
///
/// Types that JSON lacks come as the nearest that it has: bytes as base64, numbers of more digits than a float holds as
/// texts, sets as lists. MongoDB's own types stay in its extended JSON, as `{"$oid":"…"}`.
///
/// ```
/// # use handlers_sdk::{function, testing::sample};
/// use handlers_sdk::events::{Row, TableChange};
///
/// fn name(row: &Row) -> Option<&str> {
///     row.get("name").or_else(|| row.get("Name"))?.as_str()
/// }
///
/// #[function]
/// fn stocked(table: TableChange) -> String {
///     table.changes.iter().filter_map(|change| name(change.new.as_ref()?)).collect()
/// }
///
/// assert_eq!(sample("aws/dynamodb").run(stocked::MODULE).text(), "tea");
/// assert_eq!(sample("huawei/dds").run(stocked::MODULE).text(), "tea");
/// ```
pub type Row = Map<String, Value>;

/// Rows or documents of a table that have changed.
///
/// ```
/// use handlers_sdk::events::{Operation, TableChange};
/// use handlers_sdk::function;
/// use handlers_sdk::testing::sample;
///
/// #[function]
/// fn index(table: TableChange) -> String {
///     let gone = table.changes.iter().filter(|change| change.operation == Operation::Remove);
///     gone.map(|change| format!("{} of {}", change.keys.values().next().unwrap(), change.table)).collect()
/// }
///
/// assert_eq!(sample("aws/dynamodb").run(index::MODULE).text(), "102 of stock");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TableChange {
    /// The changes, in the platform's order.
    pub changes: Vec<Change>,
    /// The view that has the rest, as `events::aws::DynamoDb`.
    pub view: &'static str,
}

/// A row or document that has changed.
///
/// ```
/// # use handlers_sdk::{function, testing::sample};
/// use handlers_sdk::events::{Change, TableChange};
///
/// /// Returns `true` if this member of the row has another value now.
/// fn touches(change: &Change, member: &str) -> bool {
///     let [new, old] = [&change.new, &change.old].map(|row| row.as_ref().and_then(|row| row.get(member)));
///     new != old
/// }
///
/// #[function]
/// fn renamed(table: TableChange) -> String {
///     table.changes.iter().filter(|change| touches(change, "Name")).count().to_string()
/// }
///
/// assert_eq!(sample("aws/dynamodb").run(renamed::MODULE).text(), "2");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// The id or the place of the change; empty if the platform does not say it.
    pub id: String,
    /// The operation on the row.
    pub operation: Operation,
    /// The table or collection; empty if the platform does not say it.
    pub table: String,
    /// The key of the row.
    pub keys: Row,
    /// The row afterwards. It is `None` if it is gone, or the platform does not say it.
    pub new: Option<Row>,
    /// The row before. It is `None` if it is new, or the platform does not say it.
    pub old: Option<Row>,
    /// The time of the change, in milliseconds since 1970. It is `None` if the platform does not say it.
    pub millis: Option<u64>,
}

/// The operation on a row.
///
/// ```
/// # use handlers_sdk::{function, testing::sample};
/// use handlers_sdk::events::{Operation, TableChange};
///
/// /// Keeps a copy up to date, for which a new row and a changed one are the same.
/// #[function]
/// fn copy(table: TableChange) -> String {
///     let steps = table.changes.iter().map(|change| match change.operation {
///         Operation::Insert | Operation::Update | Operation::Write => "put",
///         Operation::Remove => "remove",
///         _ => "copy all",
///     });
///     steps.collect::<Vec<_>>().join(", ")
/// }
///
/// assert_eq!(sample("aws/dynamodb").run(copy::MODULE).text(), "put, remove");
/// assert_eq!(sample("openwhisk/cloudant").run(copy::MODULE).text(), "put");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// The row is new.
    Insert,
    /// The row was changed.
    Update,
    /// The row is new or was changed: the platform does not say which.
    Write,
    /// The row is gone.
    Remove,
    /// Any other operation, as the end of a whole collection.
    #[default]
    Other,
}

impl FromInvocation for TableChange {
    /// Reads the changes. The error is of kind `Runtime.TriggerMismatch` if the event is of no table;
    /// `Option<TableChange>` is `None` then.
    #[inline]
    fn from_invocation(ctx: &FaasContext) -> Result<TableChange, Error> {
        let body = ctx.body();
        let (changes, view) = match ctx.source() {
            "aws:dynamodb" => (dynamo_db(body)?, "events::aws::DynamoDb"),
            "aws:docdb" => (document_db(body)?, "Json"),
            "aliyun:tablestore" => (tablestore(body)?, "Event"),
            "azure:cosmosdb" => (cosmos_db(body)?, "Json"),
            "huawei:dds" => (dds(body)?, "events::huawei::Dds"),
            "openwhisk:cloudant" => (vec![cloudant(body)?], "events::openwhisk::Change"),
            "google:firestore" => (vec![older_firestore(body)?], "events::google::Legacy"),
            _ => (vec![firestore(ctx)?], "events::CloudEvent"),
        };
        Ok(TableChange { changes, view })
    }
}

/// Returns the operation of a change stream of MongoDB.
fn of_stream(word: &str) -> Operation {
    match word {
        "insert" => Operation::Insert,
        "update" | "replace" => Operation::Update,
        "delete" => Operation::Remove,
        _ => Operation::Other,
    }
}

fn row(value: &Value) -> Option<Row> {
    value.as_object().cloned()
}

#[inline]
fn dynamo_db(body: &[u8]) -> Result<Vec<Change>, Error> {
    let row = |item: dynamodb::Item| -> Row { item.into_iter().map(|(name, value)| (name, plain(value))).collect() };
    let image = |item: dynamodb::Item| (!item.is_empty()).then(|| row(item));
    let change = |record: aws::dynamodb::Record| Change {
        operation: match &*record.event_name {
            "INSERT" => Operation::Insert,
            "MODIFY" => Operation::Update,
            "REMOVE" => Operation::Remove,
            _ => Operation::Other,
        },
        table: match record.event_source_arn.split_once(":table/") {
            Some((_, rest)) => rest.split('/').next().unwrap_or_default().to_owned(),
            None => record.table_name,
        },
        id: record.dynamodb.sequence_number,
        keys: row(record.dynamodb.keys),
        new: image(record.dynamodb.new_image),
        old: image(record.dynamodb.old_image),
        millis: millis(record.dynamodb.approximate_creation_date_time),
    };
    Ok(aws::DynamoDb::parse(body)?.records.into_iter().map(change).collect())
}

/// Returns the milliseconds of a time in seconds. It is `None` for 0, by which the platform means that it has no time.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float is cut to what fits")]
fn millis(seconds: f64) -> Option<u64> {
    (seconds > 0.0).then_some((seconds * 1_000.0) as u64)
}

/// Returns the value of an attribute without its type.
fn plain(attribute: Attribute) -> Value {
    let number = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
    let bytes = |bytes: Base64| Value::from(bytes.as_str());
    match attribute {
        Attribute::S(text) => text.into(),
        Attribute::N(text) => number(text),
        Attribute::B(coded) => bytes(coded),
        Attribute::Bool(truth) => truth.into(),
        Attribute::Null => Value::Null,
        Attribute::Ss(texts) => texts.into(),
        Attribute::Ns(texts) => texts.into_iter().map(number).collect(),
        Attribute::Bs(list) => list.into_iter().map(bytes).collect(),
        Attribute::L(list) => list.into_iter().map(plain).collect(),
        Attribute::M(item) => Value::Object(item.into_iter().map(|(name, value)| (name, plain(value))).collect()),
        Attribute::Other(_, value) => value,
    }
}

#[inline]
fn document_db(body: &[u8]) -> Result<Vec<Change>, Error> {
    let batch = json(body)?;
    let change = |entry: &Value| {
        let event = &entry["event"];
        Change {
            id: text_of(&event["_id"]["_data"]),
            operation: of_stream(event["operationType"].as_str().unwrap_or_default()),
            table: text_of(&event["ns"]["coll"]),
            keys: row(&event["documentKey"]).unwrap_or_default(),
            new: row(&event["fullDocument"]),
            old: row(&event["fullDocumentBeforeChange"]),
            millis: event["clusterTime"]["$timestamp"]["t"].as_u64().map(|seconds| seconds * 1_000),
        }
    };
    Ok(batch["events"].as_array().into_iter().flatten().map(change).collect())
}

#[inline]
fn dds(body: &[u8]) -> Result<Vec<Change>, Error> {
    // Each part is JSON, or a text of it.
    let part = |value: &Value| match value {
        Value::String(text) => json(text.as_bytes()),
        other => Ok(other.clone()),
    };
    let change = |record: huawei::DdsRecord| {
        let document = row(&part(&record.dds.full_document)?);
        let id = document.as_ref().and_then(|document| document.get("_id")).cloned();
        Ok(Change {
            operation: of_stream(&record.event_name),
            table: text_of(&part(&record.dds.ns)?["coll"]),
            keys: id.map(|id| ("_id".to_owned(), id)).into_iter().collect(),
            new: document,
            id: record.event_source_id,
            ..Change::default()
        })
    };
    huawei::Dds::parse(body)?.records.into_iter().map(change).collect()
}

/// Reads the documents of Cosmos DB. It sends them as they are now, without the operation.
#[inline]
fn cosmos_db(body: &[u8]) -> Result<Vec<Change>, Error> {
    let documents: Vec<Row> = crate::call::json::read(body)?;
    let change = |document: Row| Change {
        id: document.get("_rid").map(text_of).unwrap_or_default(),
        operation: Operation::Write,
        keys: document.get("id").map(|id| ("id".to_owned(), id.clone())).into_iter().collect(),
        millis: document.get("_ts").and_then(Value::as_u64).map(|seconds| seconds * 1_000),
        new: Some(document),
        ..Change::default()
    };
    Ok(documents.into_iter().map(change).collect())
}

/// Reads the changes of Tablestore, which come in CBOR; a function may also be sent the same as JSON.
#[inline]
fn tablestore(body: &[u8]) -> Result<Vec<Change>, Error> {
    let is_json = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let batch = if is_json { json(body)? } else { cbor::read(body)? };
    let columns = |list: &Value, is_there: &dyn Fn(&Value) -> bool| -> Row {
        let column = |column: &Value| Some((column["ColumnName"].as_str()?.to_owned(), column["Value"].clone()));
        list.as_array().into_iter().flatten().filter(|column| is_there(column)).filter_map(column).collect()
    };
    let change = |record: &Value| {
        let keys = columns(&record["PrimaryKey"], &|_| true);
        let put = columns(&record["Columns"], &|column| column["Type"].as_str().is_none_or(|kind| kind == "Put"));
        let operation = match record["Type"].as_str() {
            Some("PutRow") => Operation::Write,
            Some("UpdateRow") => Operation::Update,
            Some("DeleteRow") => Operation::Remove,
            _ => Operation::Other,
        };
        let row = || keys.clone().into_iter().chain(put.clone()).collect();
        Change {
            operation,
            // An update tells the columns that were changed, and not the whole row.
            new: (operation == Operation::Write)
                .then(row)
                .or_else(|| (operation == Operation::Update).then_some(put.clone())),
            millis: record["Info"]["Timestamp"].as_u64().map(|micros| micros / 1_000),
            keys: keys.clone(),
            ..Change::default()
        }
    };
    Ok(batch["Records"].as_array().into_iter().flatten().map(change).collect())
}

#[inline]
fn cloudant(body: &[u8]) -> Result<Change, Error> {
    let change = openwhisk::Change::parse(body)?;
    Ok(Change {
        id: change.seq,
        operation: if change.deleted { Operation::Remove } else { Operation::Write },
        table: change.database,
        keys: Row::from_iter([("_id".to_owned(), Value::from(change.id))]),
        ..Change::default()
    })
}

/// Returns a document's key: its path below `documents/`. The content is Firestore's own JSON, or protobuf.
fn of_firestore(path: &str, kind: &str) -> Change {
    let path = path.split_once("documents/").map_or(path, |(_, path)| path);
    let word = kind.rsplit('.').next().unwrap_or_default();
    Change {
        operation: match word {
            "created" | "create" => Operation::Insert,
            "updated" | "update" => Operation::Update,
            "deleted" | "delete" => Operation::Remove,
            "written" | "write" => Operation::Write,
            _ => Operation::Other,
        },
        table: path.rsplit_once('/').map_or("", |(collection, _)| collection).to_owned(),
        keys: Row::from_iter([("path".to_owned(), Value::from(path))]),
        ..Change::default()
    }
}

fn images(data: &Value) -> (Option<Row>, Option<Row>) {
    let fields = |value: &Value| row(&value["fields"]).filter(|fields| !fields.is_empty());
    (fields(&data["value"]), fields(&data["oldValue"]))
}

#[inline]
fn older_firestore(body: &[u8]) -> Result<Change, Error> {
    let event = google::Legacy::parse(body)?;
    let (new, old) = images(&event.data);
    let change = of_firestore(event.context.resource_name(), &event.context.event_type);
    let millis = time::millis(&event.context.timestamp);
    Ok(Change { id: event.context.event_id.clone(), new, old, millis, ..change })
}

#[inline]
fn firestore(ctx: &FaasContext) -> Result<Change, Error> {
    let no_table = || refused("an event of a table", ctx);
    let event = cloud_event(ctx).ok_or_else(no_table)?;
    if !event.kind().starts_with("google.cloud.firestore.document.v1.") {
        return Err(no_table());
    }
    // Firestore's own sender writes protobuf, which is left to the function.
    let (new, old) = event.data_as::<Value>().map_or((None, None), |data| images(&data));
    let change = of_firestore(event.subject().unwrap_or_default(), event.kind());
    let millis = event.time().and_then(time::millis);
    Ok(Change { id: said(event.id()).unwrap_or_default(), new, old, millis, ..change })
}
