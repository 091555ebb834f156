//! The types that OpenWhisk's controller takes for text, and those that it takes for bytes: its HTTP library knows some
//! by name, and has a rule for all others.
//!
//! A type that the library knows is what the library says, whatever parameters it has. One that it does not know is a
//! text if it names a charset, and else bytes. A multipart type is always bytes. Source: `MediaTypes` and
//! `CommonActions` of `apache/pekko-http`, which `apache/openwhisk` uses.

use crate::fields::caseless;

/// The subtypes of `application` that are texts.
#[rustfmt::skip]
const APPLICATION_TEXTS: &[&str] = &[
    "atom+xml", "base64", "javascript", "json", "json-patch+json", "merge-patch+json", "problem+json", "problem+xml",
    "rss+xml", "soap+xml", "vnd.api+json", "vnd.google-earth.kml+xml", "x-latex", "x-vrml", "x-www-form-urlencoded",
    "xhtml+xml", "xml", "xml-dtd",
];

/// The subtypes of `application` that are bytes.
#[rustfmt::skip]
const APPLICATION_BYTES: &[&str] = &[
    "cbor", "gnutar", "grpc+proto", "java-archive", "lha", "lzx", "msword", "octet-stream", "pdf", "postscript",
    "vnd.google-earth.kmz", "vnd.ms-excel", "vnd.ms-excel.addin.macroEnabled.12",
    "vnd.ms-excel.sheet.binary.macroEnabled.12", "vnd.ms-excel.sheet.macroEnabled.12",
    "vnd.ms-excel.template.macroEnabled.12", "vnd.ms-fontobject", "vnd.ms-powerpoint",
    "vnd.ms-powerpoint.addin.macroEnabled.12", "vnd.ms-powerpoint.presentation.macroEnabled.12",
    "vnd.ms-powerpoint.slideshow.macroEnabled.12", "vnd.ms-word.document.macroEnabled.12",
    "vnd.ms-word.template.macroEnabled.12", "vnd.oasis.opendocument.chart", "vnd.oasis.opendocument.database",
    "vnd.oasis.opendocument.formula", "vnd.oasis.opendocument.graphics", "vnd.oasis.opendocument.image",
    "vnd.oasis.opendocument.presentation", "vnd.oasis.opendocument.spreadsheet", "vnd.oasis.opendocument.text",
    "vnd.oasis.opendocument.text-master", "vnd.oasis.opendocument.text-web",
    "vnd.openxmlformats-officedocument.presentationml.presentation",
    "vnd.openxmlformats-officedocument.presentationml.slide",
    "vnd.openxmlformats-officedocument.presentationml.slideshow",
    "vnd.openxmlformats-officedocument.presentationml.template",
    "vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "vnd.openxmlformats-officedocument.spreadsheetml.template",
    "vnd.openxmlformats-officedocument.wordprocessingml.document",
    "vnd.openxmlformats-officedocument.wordprocessingml.template", "x-7z-compressed", "x-ace-compressed",
    "x-apple-diskimage", "x-arc-compressed", "x-bzip", "x-bzip2", "x-chrome-extension", "x-compress", "x-compressed",
    "x-debian-package", "x-dvi", "x-font-opentype", "x-font-truetype", "x-gtar", "x-gzip", "x-rar-compressed",
    "x-redhat-package-manager", "x-shockwave-flash", "x-tar", "x-tex", "x-texinfo", "x-x509-ca-cert", "x-xpinstall",
    "zip",
];

/// The subtypes of `text`; all of them are texts.
#[rustfmt::skip]
const TEXTS: &[&str] = &[
    "asp", "cache-manifest", "calendar", "css", "csv", "event-stream", "html", "markdown", "mcf", "plain", "richtext",
    "tab-separated-values", "uri-list", "vnd.wap.wml", "vnd.wap.wmlscript", "x-asm", "x-c", "x-component", "x-h",
    "x-java-source", "x-pascal", "x-script", "x-scriptcsh", "x-scriptelisp", "x-scriptksh", "x-scriptlisp",
    "x-scriptperl", "x-scriptperl-module", "x-scriptphyton", "x-scriptrexx", "x-scriptscheme", "x-scriptsh",
    "x-scripttcl", "x-scripttcsh", "x-scriptzsh", "x-server-parsed-html", "x-setext", "x-sgml", "x-speech",
    "x-uuencode", "x-vcalendar", "x-vcard", "xml",
];

/// The subtypes of `message`; all of them are texts.
const MESSAGES: &[&str] = &["delivery-status", "http", "rfc822"];
/// The subtypes of `audio`, and below it those of `font`, `image` and `video`; all of them are bytes.
const AUDIO: &[&str] = &[
    "aiff",
    "basic",
    "midi",
    "mod",
    "mpeg",
    "ogg",
    "voc",
    "vorbis",
    "voxware",
    "wav",
    "webm",
    "x-pn-realaudio",
    "x-psid",
    "xm",
];
const FONTS: &[&str] = &["woff", "woff2"];
const IMAGES: &[&str] = &[
    "gif",
    "jpeg",
    "pict",
    "png",
    "svg+xml",
    "tiff",
    "webp",
    "x-icon",
    "x-ms-bmp",
    "x-pcx",
    "x-pict",
    "x-quicktime",
    "x-rgb",
    "x-xbitmap",
    "x-xpixmap",
];
const VIDEOS: &[&str] = &[
    "avs-video",
    "divx",
    "gl",
    "mp4",
    "mpeg",
    "ogg",
    "quicktime",
    "webm",
    "x-dv",
    "x-flv",
    "x-motion-jpeg",
    "x-ms-asf",
    "x-msvideo",
    "x-sgi-movie",
];

/// Returns `true` if the controller takes a body of this content type for text.
pub(super) fn is_text(content_type: &[u8]) -> bool {
    let essence = essence(content_type);
    let slash = essence.iter().position(|byte| *byte == b'/').unwrap_or(essence.len());
    let (main, sub) = (&essence[..slash], essence.get(slash + 1..).unwrap_or_default());
    let is_one_of = |known: &[&str]| known.iter().any(|known| caseless(known.as_bytes(), sub));
    let lists: [(&[u8], &[&str], bool); 8] = [
        (b"application", APPLICATION_TEXTS, true),
        (b"application", APPLICATION_BYTES, false),
        (b"text", TEXTS, true),
        (b"message", MESSAGES, true),
        (b"audio", AUDIO, false),
        (b"font", FONTS, false),
        (b"image", IMAGES, false),
        (b"video", VIDEOS, false),
    ];
    let known = lists.iter().find(|(kind, known, _)| caseless(kind, main) && is_one_of(known));
    known.map_or_else(|| !caseless(main, b"multipart") && names_charset(content_type), |(.., is_text)| *is_text)
}

/// Returns `true` if a parameter of the content type is a charset.
pub(super) fn names_charset(content_type: &[u8]) -> bool {
    parameters(content_type).any(is_charset)
}

/// Returns the parameters of a content type, as `name=value`.
pub(super) fn parameters(content_type: &[u8]) -> impl Iterator<Item = &[u8]> {
    content_type.split(|byte| *byte == b';').skip(1).map(<[u8]>::trim_ascii)
}

/// Returns `true` if this parameter is a charset.
pub(super) fn is_charset(parameter: &[u8]) -> bool {
    parameter.get(..8).is_some_and(|start| caseless(start, b"charset="))
}

/// Returns the `type/subtype` of a content type, without its parameters.
pub(super) fn essence(content_type: &[u8]) -> &[u8] {
    content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_type_is_what_it_is_and_an_unknown_one_is_text_if_it_names_a_charset() {
        for (content_type, expected) in [
            ("application/json", true),
            ("Application/Problem+JSON", true),
            ("application/pdf", false),
            ("application/pdf; charset=utf-8", false),
            ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;charset=utf-8", false),
            ("application/x-own", false),
            ("application/x-own; a=b; Charset=latin1", true),
            ("text/html", true),
            ("text/x-own", false),
            ("text/x-own; charset=utf-8", true),
            ("image/svg+xml; charset=utf-8", false),
            ("image/x-own; charset=utf-8", true),
            ("audio/mpeg", false),
            ("multipart/mixed; charset=utf-8", false),
            ("message/http", true),
            ("json", false),
            ("", false),
        ] {
            assert_eq!(is_text(content_type.as_bytes()), expected, "{content_type}");
        }
    }
}
