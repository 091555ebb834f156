module echo-go

go 1.19
