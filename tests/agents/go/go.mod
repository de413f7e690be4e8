module caxton.example/worker

go 1.24
