//! The lab's routes on Hyperlane: a hook for each route, and one that sends what the route has made.

use std::env;

use hyperlane::*;
use serde::Serialize;
use tokio::runtime::Builder;

const UPLOAD_MAX: usize = 20 << 20;
const IDLE_MS: u64 = 3_600_000;

#[derive(Serialize)]
struct Greeting {
    message: &'static str,
}

struct Plaintext;
struct Json;
struct Upload;
struct Send;

impl ServerHook for Plaintext {
    async fn new(_: &mut Stream, _: &mut Context) -> Self {
        Self
    }

    async fn handle(self, _: &mut Stream, ctx: &mut Context) -> Status {
        ctx.get_mut_response()
            .set_header(CONTENT_TYPE, TEXT_PLAIN)
            .set_body("Hello, World!");
        Status::Continue
    }
}

impl ServerHook for Json {
    async fn new(_: &mut Stream, _: &mut Context) -> Self {
        Self
    }

    async fn handle(self, _: &mut Stream, ctx: &mut Context) -> Status {
        let text = serde_json::to_vec(&Greeting {
            message: "Hello, World!",
        })
        .expect("a text can be JSON");
        ctx.get_mut_response()
            .set_header(CONTENT_TYPE, APPLICATION_JSON)
            .set_body(text);
        Status::Continue
    }
}

/// The framework has read the content before the hook is called.
impl ServerHook for Upload {
    async fn new(_: &mut Stream, _: &mut Context) -> Self {
        Self
    }

    async fn handle(self, _: &mut Stream, ctx: &mut Context) -> Status {
        let size = ctx.get_request().get_body().len();
        ctx.get_mut_response()
            .set_header(CONTENT_TYPE, TEXT_PLAIN)
            .set_body(size.to_string());
        Status::Continue
    }
}

impl ServerHook for Send {
    async fn new(_: &mut Stream, _: &mut Context) -> Self {
        Self
    }

    async fn handle(self, stream: &mut Stream, ctx: &mut Context) -> Status {
        let response = ctx.get_mut_response().build();
        if stream.try_send(response).await.is_err() {
            stream.set_closed(true);
            return Status::Reject;
        }
        Status::Continue
    }
}

async fn listen() {
    let port = env::var("LAB_PORT").expect("LAB_PORT");
    let mut server_config = ServerConfig::default();
    server_config
        .set_address(format!("127.0.0.1:{port}"))
        .set_nodelay(Some(true));
    let mut request_config = RequestConfig::default();
    request_config
        .set_max_body_size(UPLOAD_MAX)
        .set_read_timeout_ms(IDLE_MS);
    let mut server = Server::default();
    server
        .server_config(server_config)
        .request_config(request_config);
    server
        .route::<Plaintext>("/plaintext")
        .route::<Json>("/json")
        .route::<Upload>("/upload");
    server.response_middleware::<Send>();
    let running = server.run().await.expect("the address is free");
    running.wait().await;
}

/// One worker is the thread we have; more are a pool of Tokio's.
fn main() {
    let workers: usize =
        env::var("LAB_WORKERS").map_or(1, |text| text.parse().expect("LAB_WORKERS: a number"));
    let runtime = match workers {
        1 => Builder::new_current_thread().enable_all().build(),
        n => Builder::new_multi_thread()
            .worker_threads(n)
            .enable_all()
            .build(),
    };
    runtime.expect("a runtime can be had").block_on(listen());
}
