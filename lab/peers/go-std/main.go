// The lab's routes on net/http, with nothing but the standard library.
package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"

	"lab.example/gostd/figures"
)

const uploadMax = 20 << 20

type greeting struct {
	Message string `json:"message"`
}

func plaintext(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, "Hello, World!")
}

func answerJSON(w http.ResponseWriter, _ *http.Request) {
	text, err := json.Marshal(greeting{Message: "Hello, World!"})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(text)
}

func upload(w http.ResponseWriter, r *http.Request) {
	size, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, uploadMax))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, strconv.FormatInt(size, 10))
}

func tellFigures(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Write(figures.JSON())
}

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /plaintext", plaintext)
	mux.HandleFunc("GET /json", answerJSON)
	mux.HandleFunc("POST /upload", upload)
	mux.HandleFunc("GET /lab", tellFigures)
	mux.Handle("GET /files/", http.StripPrefix("/files/", http.FileServer(http.Dir(os.Getenv("LAB_FILES")))))
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("LAB_PORT"), mux))
}
