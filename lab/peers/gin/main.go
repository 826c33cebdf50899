// The lab's routes on Gin, in its release mode.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"strconv"

	"github.com/gin-gonic/gin"

	"lab.example/gostd/figures"
)

const uploadMax = 20 << 20

type greeting struct {
	Message string `json:"message"`
}

func plaintext(c *gin.Context) {
	c.Data(http.StatusOK, "text/plain", []byte("Hello, World!"))
}

func answerJSON(c *gin.Context) {
	c.JSON(http.StatusOK, greeting{Message: "Hello, World!"})
}

func upload(c *gin.Context) {
	size, err := io.Copy(io.Discard, http.MaxBytesReader(c.Writer, c.Request.Body, uploadMax))
	if err != nil {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	c.Data(http.StatusOK, "text/plain", strconv.AppendInt(nil, size, 10))
}

func tellFigures(c *gin.Context) {
	c.Data(http.StatusOK, "application/json", figures.JSON())
}

func main() {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New() // without the logger that gin.Default brings
	router.Use(gin.Recovery())
	router.GET("/plaintext", plaintext)
	router.GET("/json", answerJSON)
	router.POST("/upload", upload)
	router.GET("/lab", tellFigures)
	router.Static("/files", os.Getenv("LAB_FILES"))
	log.Fatal(router.Run("127.0.0.1:" + os.Getenv("LAB_PORT")))
}
