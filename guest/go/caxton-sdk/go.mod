module github.com/caxton-dev/caxton/guest/go/caxton-sdk

go 1.24
