//! The lab's routes on bare Tokio: a task for each connection, a buffer of 4 KiB that belongs to it, and as much HTTP/1.1 as
//! the routes need, by hand.

use std::env;
use std::future::Future;
use std::io::{self, Error, ErrorKind};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

const UPLOAD_MAX: usize = 20 << 20;
const BUFFER: usize = 4096;
const HEAD_MAX: usize = 16384;

const PLAINTEXT: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";

fn malformed() -> Error {
    Error::from(ErrorKind::InvalidData)
}

/// A connection: octets that have come and are not used up yet lie in buffer from start on.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
}

/// What a head says, as far as it matters here.
struct Head {
    route: Route,
    length: usize,
    chunked: bool,
    close: bool,
}

enum Route {
    Plaintext,
    Json,
    Upload,
    Unknown,
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            buffer: Vec::with_capacity(BUFFER),
            start: 0,
        }
    }

    fn pending(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// More octets; false at the end of the stream. What is used up makes room first.
    async fn more(&mut self) -> io::Result<bool> {
        self.buffer.drain(..self.start);
        self.start = 0;
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }

    /// Where in pending the octets up to the first `mark` end; None at the end of the stream before any octet.
    async fn until(&mut self, mark: &[u8]) -> io::Result<Option<usize>> {
        loop {
            if let Some(at) = self
                .pending()
                .windows(mark.len())
                .position(|window| window == mark)
            {
                return Ok(Some(at + mark.len()));
            }
            if self.pending().len() > HEAD_MAX {
                return Err(malformed());
            }
            if !self.more().await? {
                return if self.pending().is_empty() {
                    Ok(None)
                } else {
                    Err(malformed())
                };
            }
        }
    }

    async fn head(&mut self) -> io::Result<Option<Head>> {
        let Some(end) = self.until(b"\r\n\r\n").await? else {
            return Ok(None);
        };
        let head = parse(&self.pending()[..end])?;
        self.start += end;
        Ok(Some(head))
    }

    /// Reads so many octets and forgets them.
    async fn skip(&mut self, mut size: usize) -> io::Result<()> {
        loop {
            let here = size.min(self.pending().len());
            self.start += here;
            size -= here;
            if size == 0 {
                return Ok(());
            }
            if !self.more().await? {
                return Err(malformed());
            }
        }
    }

    /// Reads the content to its end, and answers how many octets it had.
    async fn content(&mut self, head: &Head) -> io::Result<usize> {
        if !head.chunked {
            if head.length > UPLOAD_MAX {
                return Err(malformed());
            }
            self.skip(head.length).await?;
            return Ok(head.length);
        }
        let mut total = 0;
        loop {
            let end = self.until(b"\r\n").await?.ok_or_else(malformed)?;
            let line = std::str::from_utf8(&self.pending()[..end]).map_err(|_| malformed())?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(digits, 16).map_err(|_| malformed())?;
            total += size;
            if total > UPLOAD_MAX {
                return Err(malformed());
            }
            self.skip(end + size + 2).await?; // and the end of the chunk, or of the trailers: none are expected
            if size == 0 {
                return Ok(total);
            }
        }
    }

    async fn answer(&mut self, status: &str, kind: &str, content: &str) -> io::Result<()> {
        let size = content.len();
        let text = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n{content}"
        );
        self.stream.write_all(text.as_bytes()).await
    }
}

fn parse(head: &[u8]) -> io::Result<Head> {
    let text = std::str::from_utf8(head).map_err(|_| malformed())?;
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let route = match (words.next(), words.next()) {
        (Some("GET"), Some("/plaintext")) => Route::Plaintext,
        (Some("GET"), Some("/json")) => Route::Json,
        (Some("POST"), Some("/upload")) => Route::Upload,
        _ => Route::Unknown,
    };
    let mut head = Head {
        route,
        length: 0,
        chunked: false,
        close: false,
    };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            head.length = value.parse().map_err(|_| malformed())?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            head.chunked = value.eq_ignore_ascii_case("chunked");
        } else if name.eq_ignore_ascii_case("connection") {
            head.close = value.eq_ignore_ascii_case("close");
        }
    }
    Ok(head)
}

/// {"message": text}, by hand as the rest: text must not need escaping.
fn message(text: &str) -> String {
    format!("{{\"message\":\"{text}\"}}")
}

async fn serve(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut connection = Connection::new(stream);
    while let Some(head) = connection.head().await? {
        match head.route {
            Route::Plaintext => connection.stream.write_all(PLAINTEXT).await?,
            Route::Json => {
                connection
                    .answer("200 OK", "application/json", &message("Hello, World!"))
                    .await?
            }
            Route::Upload => {
                let size = connection.content(&head).await?;
                connection
                    .answer("200 OK", "text/plain", &size.to_string())
                    .await?;
            }
            Route::Unknown => {
                return connection
                    .answer("404 Not Found", "text/plain", "Not Found")
                    .await;
            }
        }
        if head.close {
            break;
        }
    }
    Ok(())
}

async fn listen() -> io::Result<()> {
    let port = env::var("LAB_PORT").expect("LAB_PORT");
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream)); // an error is the client's: it is gone, or has sent what is no HTTP
    }
}

/// One worker is the thread we have; more are a pool of Tokio's.
fn run<T>(main: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let workers: usize =
        env::var("LAB_WORKERS").map_or(1, |text| text.parse().expect("LAB_WORKERS: a number"));
    let runtime = match workers {
        1 => Builder::new_current_thread().enable_all().build()?,
        n => Builder::new_multi_thread()
            .worker_threads(n)
            .enable_all()
            .build()?,
    };
    runtime.block_on(main)
}

fn main() -> io::Result<()> {
    run(listen())
}
