//! [`Storage`]: changes to objects in a bucket, on any platform.

use super::neutral::{AzureMetadata, cloud_event, refused, said, text_of};
use super::{aliyun, aws, azure, google, huawei, tencent, yandex};
use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::encoding::percent;
use crate::encoding::time;
use crate::error::Error;
use serde_json::Value;

/// Changes to objects in a bucket.
///
/// ```
/// use handlers_sdk::events::{Storage, StorageEvent};
/// use handlers_sdk::function;
/// use handlers_sdk::testing::sample;
///
/// #[function]
/// fn thumbnails(storage: Storage) -> String {
///     let made = storage.objects.iter().filter(|object| object.event == StorageEvent::Created);
///     made.map(|object| format!("{}: {}", object.bucket, object.key)).collect::<Vec<_>>().join(", ")
/// }
///
/// for name in ["aws/s3", "aliyun/oss", "azure/eventgrid", "google/storage", "huawei/obs", "tencent/cos", "yandex/storage"] {
///     assert_eq!(sample(name).run(thumbnails::MODULE).text(), "photos: in/my cat.jpg", "{name}");
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Storage {
    /// The objects, most often one. The event by which S3 tests a notification has no object.
    pub objects: Vec<StorageObject>,
    /// The view that has the rest, as `events::aws::S3`.
    pub view: &'static str,
}

/// An object, and the kind of change to it.
///
/// ```
/// # use handlers_sdk::{function, testing::sample};
/// use handlers_sdk::events::{Storage, StorageObject};
///
/// fn described(object: &StorageObject) -> String {
///     let size = object.size.map_or_else(|| "of unknown size".to_owned(), |size| format!("of {size} bytes"));
///     format!("{} {size}", object.key)
/// }
///
/// #[function]
/// fn list(storage: Storage) -> String {
///     storage.objects.iter().map(described).collect()
/// }
///
/// assert_eq!(sample("aws/s3").run(list::MODULE).text(), "in/my cat.jpg of 1305107 bytes");
/// assert_eq!(sample("yandex/storage").run(list::MODULE).text(), "in/my cat.jpg of unknown size");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageObject {
    /// The kind of change, the same on all platforms.
    pub event: StorageEvent,
    /// The platform's own word for the change, as `ObjectCreated:Put`.
    pub event_name: String,
    /// The bucket or container.
    pub bucket: String,
    /// The object's key as the object has it, with the platform's coding undone.
    pub key: String,
    /// The size in bytes. It is `None` if the platform does not say it, as for an object that is gone.
    pub size: Option<u64>,
    /// The entity tag. It is `None` if the platform does not say it.
    pub etag: Option<String>,
    /// The bucket's region; empty if the platform does not say it.
    pub region: String,
    /// The time of the change, in RFC 3339; empty if the platform does not say it.
    pub time: String,
}

/// The kind of change to an object.
///
/// ```
/// # use handlers_sdk::{function, testing::sample};
/// use handlers_sdk::events::{Storage, StorageEvent};
///
/// #[function]
/// fn index(storage: Storage) -> String {
///     let step = |event| match event {
///         StorageEvent::Created => "add",
///         StorageEvent::Removed => "take out",
///         _ => "look again at",
///     };
///     storage.objects.iter().map(|object| format!("{} {}", step(object.event), object.key)).collect()
/// }
///
/// assert_eq!(sample("google/storage").run(index::MODULE).text(), "add in/my cat.jpg");
/// assert_eq!(sample("aws/s3-removed").run(index::MODULE).text(), "take out in/my cat.jpg");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StorageEvent {
    /// The object is new, or has new content.
    Created,
    /// The object is gone.
    Removed,
    /// Any other change: it was restored, archived, tagged.
    #[default]
    Other,
}

impl StorageEvent {
    /// Finds the kind by the platform's own word.
    fn of(name: &str) -> StorageEvent {
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if has(&["ObjectCreated", "ObjectCreate", "BlobCreated", ".finalize", "object.change"]) {
            StorageEvent::Created
        } else if has(&["ObjectRemove", "ObjectDelete", "BlobDeleted", "object.delete", "object.v1.deleted"]) {
            StorageEvent::Removed
        } else {
            StorageEvent::Other
        }
    }
}

impl FromInvocation for Storage {
    /// Reads the event. The error is of kind `Runtime.TriggerMismatch` if the event is of no bucket; `Option<Storage>`
    /// is `None` then.
    #[inline]
    fn from_invocation(ctx: &FaasContext) -> Result<Storage, Error> {
        let body = ctx.body();
        let (objects, view) = match ctx.source() {
            "aws:s3" => (s3(body)?, "events::aws::S3"),
            "aliyun:oss" => (oss(body)?, "events::aliyun::Oss"),
            "azure:blob" => (vec![blob(ctx)?], "events::azure::Envelope"),
            "azure:eventgrid" => event_grid(ctx)?,
            "huawei:obs" => (obs(body)?, "events::huawei::Obs"),
            "tencent:cos" => (cos(body)?, "events::tencent::Cos"),
            "yandex:storage" => (yandex(body)?, "events::yandex::Storage"),
            "google:storage" => (vec![older(body)?], "events::google::Legacy"),
            _ => (vec![of_cloud_event(ctx)?], "events::google::StorageObject"),
        };
        Ok(Storage { objects, view })
    }
}

#[inline]
fn s3(body: &[u8]) -> Result<Vec<StorageObject>, Error> {
    let object = |record: aws::s3::Record| StorageObject {
        event: StorageEvent::of(&record.event_name),
        key: record.s3.object.decoded_key(),
        size: record.s3.object.size,
        etag: record.s3.object.e_tag,
        bucket: record.s3.bucket.name,
        event_name: record.event_name,
        region: record.aws_region,
        time: record.event_time,
    };
    Ok(aws::S3::parse(body)?.records.into_iter().map(object).collect())
}

#[inline]
fn oss(body: &[u8]) -> Result<Vec<StorageObject>, Error> {
    let object = |event: aliyun::OssEvent| StorageObject {
        event: StorageEvent::of(&event.event_name),
        key: event.oss.object.decoded_key(),
        size: event.oss.object.size,
        etag: said(&event.oss.object.e_tag),
        bucket: event.oss.bucket.name,
        event_name: event.event_name,
        region: event.region,
        time: event.event_time,
    };
    Ok(aliyun::Oss::parse(body)?.events.into_iter().map(object).collect())
}

#[inline]
fn obs(body: &[u8]) -> Result<Vec<StorageObject>, Error> {
    let object = |record: huawei::ObsRecord| StorageObject {
        event: StorageEvent::of(&record.event_name),
        key: record.obs.object.decoded_key(),
        size: record.obs.object.size,
        etag: said(&record.obs.object.e_tag),
        bucket: record.obs.bucket.name,
        event_name: record.event_name,
        region: record.region,
        time: record.event_time,
    };
    Ok(huawei::Obs::parse(body)?.records.into_iter().map(object).collect())
}

#[inline]
fn cos(body: &[u8]) -> Result<Vec<StorageObject>, Error> {
    let object = |record: tencent::CosRecord| StorageObject {
        event: StorageEvent::of(&record.event.name),
        key: record.cos.object.path().to_owned(),
        size: record.cos.object.size,
        bucket: record.cos.bucket.name,
        event_name: record.event.name,
        region: record.cos.bucket.region,
        time: time::rfc3339(record.event.time),
        ..StorageObject::default()
    };
    Ok(tencent::Cos::parse(body)?.records.into_iter().map(object).collect())
}

#[inline]
fn yandex(body: &[u8]) -> Result<Vec<StorageObject>, Error> {
    let object = |message: yandex::StorageMessage| StorageObject {
        event: StorageEvent::of(&message.metadata.event_type),
        event_name: message.metadata.event_type,
        bucket: message.details.bucket_id,
        key: message.details.object_id,
        time: text_of(&message.metadata.created_at),
        ..StorageObject::default()
    };
    Ok(yandex::Storage::parse(body)?.messages.into_iter().map(object).collect())
}

/// Returns a blob, whose content is the body: a trigger of Azure's own, which tells new content alone.
#[inline]
fn blob(ctx: &FaasContext) -> Result<StorageObject, Error> {
    let metadata = AzureMetadata::of(ctx)?;
    let properties: Value = metadata.get("Properties");
    let of = |names: [&str; 2]| names.iter().map(|name| &properties[*name]).find(|value| !value.is_null());
    let (bucket, key) = of_url(&metadata.get::<String>("Uri"));
    Ok(StorageObject {
        event: StorageEvent::Created,
        event_name: "blobTrigger".to_owned(),
        bucket,
        key,
        size: of(["ContentLength", "Length"]).and_then(Value::as_u64),
        etag: of(["ETag", "eTag"]).map(text_of),
        time: of(["LastModified", "LastModifiedUtc"]).map(text_of).unwrap_or_default(),
        ..StorageObject::default()
    })
}

/// Returns container and name in the address of a blob.
fn of_url(url: &str) -> (String, String) {
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    let path = path.split('?').next().unwrap_or_default();
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (bucket.to_owned(), percent::decoded_path(key))
}

/// Reads the event of a blob that Event Grid sends, in either of its forms.
#[inline]
fn event_grid(ctx: &FaasContext) -> Result<(Vec<StorageObject>, &'static str), Error> {
    let object = |kind: &str, subject: &str, when: &str, data: &Value| {
        let (_, place) = subject.split_once("/containers/")?;
        let (bucket, key) = place.split_once("/blobs/")?;
        Some(StorageObject {
            event: StorageEvent::of(kind),
            event_name: kind.to_owned(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            size: data["contentLength"].as_u64(),
            etag: said(&text_of(&data["eTag"])),
            time: when.to_owned(),
            ..StorageObject::default()
        })
    };
    let (found, view) = match cloud_event(ctx) {
        Some(event) => {
            let data: Value = event.data_as()?;
            let subject = event.subject().unwrap_or_default();
            (object(event.kind(), subject, event.time().unwrap_or_default(), &data), "events::CloudEvent")
        }
        None => {
            let event = azure::EventGrid::parse(ctx.body())?;
            (object(&event.event_type, &event.subject, &event.event_time, &event.data), "events::azure::EventGrid")
        }
    };
    let found = found.ok_or_else(|| refused("an event of a bucket", ctx))?;
    Ok((vec![found], view))
}

fn of_google(event_name: &str, when: &str, object: google::StorageObject) -> StorageObject {
    StorageObject {
        event: StorageEvent::of(event_name),
        event_name: event_name.to_owned(),
        bucket: object.bucket,
        key: object.name,
        size: object.size,
        etag: said(&object.etag),
        time: when.to_owned(),
        ..StorageObject::default()
    }
}

/// Returns an event of Cloud Storage in Google's older form.
#[inline]
fn older(body: &[u8]) -> Result<StorageObject, Error> {
    let event = google::Legacy::parse(body)?;
    Ok(of_google(&event.context.event_type, &event.context.timestamp, event.data_as()?))
}

/// Returns an event of Cloud Storage as a CloudEvent.
#[inline]
fn of_cloud_event(ctx: &FaasContext) -> Result<StorageObject, Error> {
    let no_bucket = || refused("an event of a bucket", ctx);
    let event = cloud_event(ctx).ok_or_else(no_bucket)?;
    if !event.kind().starts_with("google.cloud.storage.object.v1.") {
        return Err(no_bucket());
    }
    let object = google::StorageObject::parse(event.data())?;
    Ok(of_google(event.kind(), event.time().unwrap_or_default(), object))
}
