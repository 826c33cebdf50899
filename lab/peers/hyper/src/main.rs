//! The lab's routes on hyper 1: its HTTP/1 server connection on Tokio's runtime, as its guides and examples have it.

use std::convert::Infallible;
use std::env;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use futures_util::TryStreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::fs::File;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_util::io::ReaderStream;

const UPLOAD_MAX: usize = 20 << 20;

type Content = Either<Full<Bytes>, BoxBody<Bytes, io::Error>>;

#[derive(Serialize)]
struct Greeting {
    message: &'static str,
}

fn answer(status: StatusCode, kind: &'static str, content: impl Into<Bytes>) -> Response<Content> {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, kind)
        .body(Either::Left(Full::new(content.into())))
        .expect("constants make a response")
}

fn failed(status: StatusCode) -> Response<Content> {
    answer(
        status,
        "text/plain",
        status.canonical_reason().unwrap_or_default(),
    )
}

/// Reads the content as it comes, and answers how many octets it had.
async fn upload(mut content: Incoming) -> Response<Content> {
    let mut total = 0;
    while let Some(frame) = content.frame().await {
        let Ok(frame) = frame else {
            return failed(StatusCode::BAD_REQUEST);
        };
        total += frame.data_ref().map_or(0, Bytes::len);
        if total > UPLOAD_MAX {
            return failed(StatusCode::PAYLOAD_TOO_LARGE);
        }
    }
    answer(StatusCode::OK, "text/plain", total.to_string())
}

/// As hyper's example send_file has it: the file is streamed by tokio::fs, in pieces.
async fn send_file(folder: &Path, name: &str) -> Response<Content> {
    if !Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
    {
        return failed(StatusCode::NOT_FOUND);
    }
    let Ok(file) = File::open(folder.join(name)).await else {
        return failed(StatusCode::NOT_FOUND);
    };
    let size = match file.metadata().await {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        _ => return failed(StatusCode::NOT_FOUND),
    };
    let kind = if name.ends_with(".html") {
        "text/html"
    } else {
        "application/octet-stream"
    };
    let pieces = StreamBody::new(ReaderStream::new(file).map_ok(Frame::data));
    Response::builder()
        .header(CONTENT_TYPE, kind)
        .header(CONTENT_LENGTH, size)
        .body(Either::Right(BodyExt::boxed(pieces)))
        .expect("constants make a response")
}

async fn serve(
    request: Request<Incoming>,
    folder: Arc<PathBuf>,
) -> Result<Response<Content>, Infallible> {
    Ok(match (request.method(), request.uri().path()) {
        (&Method::GET, "/plaintext") => answer(StatusCode::OK, "text/plain", "Hello, World!"),
        (&Method::GET, "/json") => {
            let text = serde_json::to_vec(&Greeting {
                message: "Hello, World!",
            })
            .expect("a text can be JSON");
            answer(StatusCode::OK, "application/json", text)
        }
        (&Method::POST, "/upload") => upload(request.into_body()).await,
        (&Method::GET, path) => match path.strip_prefix("/files/") {
            Some(name) => send_file(&folder, name).await,
            None => failed(StatusCode::NOT_FOUND),
        },
        _ => failed(StatusCode::NOT_FOUND),
    })
}

async fn serve_connection(stream: TcpStream, folder: Arc<PathBuf>) {
    // An error is the client's: it is gone, or has sent what is no HTTP.
    let _ = http1::Builder::new()
        .pipeline_flush(true)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(|request| serve(request, folder.clone())),
        )
        .await;
}

async fn listen() -> io::Result<()> {
    let port = env::var("LAB_PORT").expect("LAB_PORT");
    let folder = Arc::new(PathBuf::from(
        env::var_os("LAB_FILES").unwrap_or_else(|| ".".into()),
    ));
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve_connection(stream, folder.clone()));
    }
}

/// One worker is the thread we have; more are a pool of Tokio's.
fn main() -> io::Result<()> {
    let workers: usize =
        env::var("LAB_WORKERS").map_or(1, |text| text.parse().expect("LAB_WORKERS: a number"));
    let runtime = match workers {
        1 => Builder::new_current_thread().enable_all().build()?,
        n => Builder::new_multi_thread()
            .worker_threads(n)
            .enable_all()
            .build()?,
    };
    runtime.block_on(listen())
}
