//! The lab's routes on std::net: a thread for each connection, blocking, with nothing but the standard library.

use std::env;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

const UPLOAD_MAX: u64 = 20 << 20;

/// What a head says, as far as it matters here.
struct Head {
    method: String,
    target: String,
    length: u64,
    chunked: bool,
    close: bool,
}

fn malformed() -> Error {
    Error::from(ErrorKind::InvalidData)
}

/// The next head; None when the client has closed before it.
fn read_head(reader: &mut impl BufRead, line: &mut String) -> io::Result<Option<Head>> {
    line.clear();
    if reader.read_line(line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_ascii_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(malformed());
    };
    let mut head = Head {
        method: method.into(),
        target: target.into(),
        length: 0,
        chunked: false,
        close: false,
    };
    loop {
        line.clear();
        if reader.read_line(line)? == 0 {
            return Err(malformed());
        }
        let text = line.trim_end();
        if text.is_empty() {
            return Ok(Some(head));
        }
        let (name, value) = text.split_once(':').ok_or_else(malformed)?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            head.length = value.parse().map_err(|_| malformed())?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            head.chunked = value.eq_ignore_ascii_case("chunked");
        } else if name.eq_ignore_ascii_case("connection") {
            head.close = value.eq_ignore_ascii_case("close");
        }
    }
}

/// Reads so many octets and forgets them.
fn skip(reader: &mut impl BufRead, size: u64) -> io::Result<()> {
    match io::copy(&mut reader.take(size), &mut io::sink())? {
        read if read == size => Ok(()),
        _ => Err(malformed()),
    }
}

/// Reads the content to its end, and answers how many octets it had.
fn read_content(reader: &mut impl BufRead, head: &Head, line: &mut String) -> io::Result<u64> {
    if !head.chunked {
        if head.length > UPLOAD_MAX {
            return Err(malformed());
        }
        skip(reader, head.length)?;
        return Ok(head.length);
    }
    let mut total = 0;
    loop {
        line.clear();
        reader.read_line(line)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(digits, 16).map_err(|_| malformed())?;
        total += size;
        if total > UPLOAD_MAX {
            return Err(malformed());
        }
        skip(reader, size)?;
        line.clear();
        reader.read_line(line)?; // the end of the chunk, or of the trailers: none are expected
        if size == 0 {
            return Ok(total);
        }
    }
}

/// {"message": text}: the standard library has no JSON, so the few characters that need it are escaped here.
fn message(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 14);
    json.push_str("{\"message\":\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c < ' ' => write!(json, "\\u{:04x}", c as u32).expect("a String takes all"),
            c => json.push(c),
        }
    }
    json.push_str("\"}");
    json
}

fn answer(stream: &mut TcpStream, status: &str, kind: &str, content: &str) -> io::Result<()> {
    let size = content.len();
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n{content}"
    );
    stream.write_all(text.as_bytes())
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while let Some(head) = read_head(&mut reader, &mut line)? {
        match (head.method.as_str(), head.target.as_str()) {
            ("GET", "/plaintext") => answer(&mut stream, "200 OK", "text/plain", "Hello, World!")?,
            ("GET", "/json") => answer(
                &mut stream,
                "200 OK",
                "application/json",
                &message("Hello, World!"),
            )?,
            ("POST", "/upload") => {
                let size = read_content(&mut reader, &head, &mut line)?;
                answer(&mut stream, "200 OK", "text/plain", &size.to_string())?;
            }
            _ => {
                answer(&mut stream, "404 Not Found", "text/plain", "Not Found")?;
                return Ok(());
            }
        }
        if head.close {
            break;
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let port = env::var("LAB_PORT").expect("LAB_PORT");
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    for stream in listener.incoming() {
        let stream = stream?;
        // An error is the client's: it is gone, or has sent what is no HTTP. No thread left: it is turned away.
        let _ = thread::Builder::new().spawn(move || serve(stream));
    }
    Ok(())
}
