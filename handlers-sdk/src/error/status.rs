//! The status of HTTP that an error or a reply has, as authors write it.

/// An HTTP status: a number of 200 to 599.
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::IntoStatus;
///
/// /// The statuses of a shop.
/// enum Trouble {
///     SoldOut,
///     Closed,
/// }
///
/// impl IntoStatus for Trouble {
///     fn into_status(self) -> u16 {
///         match self {
///             Trouble::SoldOut => 409,
///             Trouble::Closed => 503,
///         }
///     }
/// }
///
/// #[function]
/// fn order(item: String) -> Result<String, (Trouble, &'static str)> {
///     match item.as_str() {
///         "tea" => Err((Trouble::SoldOut, "no tea is left")),
///         _ => Err((Trouble::Closed, "come back at nine")),
///     }
/// }
///
/// assert_eq!(Invoke::http("POST", "/").body("tea").run(order::MODULE).status(), 409);
/// ```
pub trait IntoStatus {
    /// Returns the number of the status.
    fn into_status(self) -> u16;
}

impl IntoStatus for u16 {
    fn into_status(self) -> u16 {
        self
    }
}
