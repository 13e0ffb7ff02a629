//! The sample company.

use crate::org::auth::Identity;
use crate::org::data::Context;
use crate::org::data::Data;
use crate::org::id;
use crate::time::Timestamp;

/// Fills a new org; tells who its sessions run as.
pub(super) fn fill(
    _data: &Data,
    _sample: bool,
    _seed: u64,
    now: Timestamp,
) -> Result<(Context, Identity), String> {
    let user_id = id::compose("005", 1);
    let context = Context {
        user_id: user_id.clone(),
        now,
        api_version: 68,
        time_zone: jiff::tz::TimeZone::get("America/Los_Angeles").map_err(|e| e.to_string())?,
        allow_duplicates: false,
    };
    let identity =
        Identity { org_id: id::compose("00D", 1), user_id, username: "integration@example.com".to_owned() };
    Ok((context, identity))
}
