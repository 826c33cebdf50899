module lab.example/gostd

go 1.26
