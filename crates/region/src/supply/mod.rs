//! What is learnt of supply: how the requests of each region and exchange, and the bids of each campaign, are spread over the
//! hours of the week.
//!
//! The requests of an exchange in a region are many and always there, so their shape ([`WeekShape`]) is known after a day and
//! good after a week; a campaign's own bids are few, and only come while it bids. So a campaign follows the shape of the
//! exchanges and regions that it is for, corrected hour of the day by hour of the day and day by day by what it has seen
//! itself ([`OwnShape`]), as far as that is more than chance. [`SupplyBook`] keeps both, and the course of each campaign that
//! plans by its supply ([`Course`](crate::Course)).
//!
//! Promises that nothing of it is money, and that nothing of it is on the bid path: requests are counted by others, the
//! pacers meet here once a tick. Never trusts one hour: neither a surge nor an outage moves a plan by much.

mod book;
mod own;
mod text;
mod week;

pub use book::{SupplyBook, Traffic};
pub use own::OwnShape;
pub use text::WrongSupply;
pub use week::{HOURS, WeekShape, hour_of_week};
