module guide

go 1.24
