//! Times as they stand in JSON: RFC 3339, in UTC.

use martlet_domain::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A moment, with milliseconds at most: `2026-03-01T12:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, utoipa::ToSchema)]
#[schema(as = Time, value_type = String, format = DateTime, example = "2026-03-01T12:00:00Z")]
pub struct Time(pub Timestamp);

impl Time {
    /// The moment as text; nothing beyond the year 9999, which RFC 3339 can't write.
    pub fn to_text(self) -> Option<String> {
        let nanos = i128::from(self.0.as_millis()) * 1_000_000;
        OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?.format(&Rfc3339).ok()
    }

    fn from_text(text: &str) -> Option<Self> {
        let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
        i64::try_from(nanos.div_euclid(1_000_000)).ok().map(|millis| Self(Timestamp::from_millis(millis)))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.to_text().ok_or_else(|| S::Error::custom("a time beyond the year 9999"))?;
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_text(&text)
            .ok_or_else(|| D::Error::custom("is an RFC 3339 time such as 2026-03-01T12:00:00Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_and_read_with_any_offset() {
        let time: Time = serde_json::from_str("\"2026-03-01T14:00:00.25+02:00\"").unwrap();
        assert_eq!(serde_json::to_string(&time).unwrap(), "\"2026-03-01T12:00:00.25Z\"");
        for wrong in ["\"\"", "\"2026-03-01\"", "\"2026-02-30T00:00:00Z\"", "\"now\"", "5"] {
            assert!(serde_json::from_str::<Time>(wrong).is_err(), "{wrong}");
        }
    }
}
