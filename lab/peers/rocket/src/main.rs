//! The lab's routes on Rocket. Its settings come from the environment (ROCKET_…), as its guide has it: see peer.json.

use std::env;

use rocket::data::{Data, ToByteUnit};
use rocket::fs::FileServer;
use rocket::http::Status;
use rocket::serde::Serialize;
use rocket::serde::json::Json;
use rocket::tokio::io::sink;
use rocket::{Build, Rocket, get, launch, post, routes};

#[derive(Serialize)]
#[serde(crate = "rocket::serde")]
struct Greeting {
    message: &'static str,
}

#[get("/plaintext")]
fn plaintext() -> &'static str {
    "Hello, World!"
}

#[get("/json")]
fn json() -> Json<Greeting> {
    Json(Greeting {
        message: "Hello, World!",
    })
}

/// Reads the content as it comes, and answers how many octets it had.
#[post("/upload", data = "<data>")]
async fn upload(data: Data<'_>) -> Result<String, Status> {
    match data.open(20.mebibytes()).stream_to(sink()).await {
        Ok(read) if read.complete => Ok(read.written.to_string()),
        Ok(_) => Err(Status::PayloadTooLarge),
        Err(_) => Err(Status::BadRequest),
    }
}

#[launch]
fn rocket() -> Rocket<Build> {
    let files = env::var("LAB_FILES").unwrap_or_else(|_| ".".into());
    rocket::build()
        .mount("/", routes![plaintext, json, upload])
        .mount("/files", FileServer::from(files))
}
