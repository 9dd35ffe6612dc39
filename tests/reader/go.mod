module samband/tests/reader

go 1.24
