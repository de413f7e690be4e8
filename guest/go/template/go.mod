module my-agent

go 1.24

require github.com/caxton-dev/caxton/guest/go/caxton-sdk v0.1.0

replace github.com/caxton-dev/caxton/guest/go/caxton-sdk => ../caxton-sdk
