//! A form in, a page or a redirect out: `POST /sign-up`.

use handlers_sdk::{Form, Html, Redirect, function};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct SignUp {
    name: String,
    age: u8,
}

#[function]
pub fn sign_up(Form(form): Form<SignUp>) -> Result<Redirect, (u16, String)> {
    if form.age < 18 {
        return Err((422, format!("{} is too young", form.name)));
    }
    Ok(Redirect::to("/welcome"))
}

#[function]
pub fn welcome() -> Html<&'static str> {
    Html("<h1>Welcome</h1>")
}
