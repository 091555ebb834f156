// A function and a layer in Go, as a shared library:
//
//	cd integration/examples/echo-go
//	CGO_CFLAGS="-I$PWD/../../../handlers-sdk/abi/include" go build -buildmode=c-shared \
//	   -ldflags="-s -w -extldflags=-Wl,--version-script=$PWD/exports.map" -o libecho_go.so .
//
// What Go brings into the process is said in docs/other-languages.md.
package main

// #include "module.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// Replies with the event. An event that says "panic" is a panic.
//
//export goEcho
func goEcho(host *C.faas_host, inv *C.faas_inv) (status C.faas_status) {
	defer guard(host, inv, &status)
	given := C.event_of(host, inv)
	event := C.GoBytes(unsafe.Pointer(given.ptr), C.int(given.len))
	if string(event) == "panic" {
		panic("as the event asks")
	}
	return reply(host, inv, event)
}

// Says on the reply which language it passed through.
//
//export goStamp
func goStamp(host *C.faas_host, inv *C.faas_inv) (status C.faas_status) {
	defer guard(host, inv, &status)
	with("x-stamp", func(name C.faas_bytes) {
		with("Go", func(value C.faas_bytes) { status = C.set_header(host, inv, name, value) })
	})
	return status
}

// Replies with a copy, which the host frees: it must not keep memory of Go's.
func reply(host *C.faas_host, inv *C.faas_inv, body []byte) C.faas_status {
	return C.reply_with(host, inv, C.FAAS_REPLY_RAW, C.CBytes(body), C.size_t(len(body)))
}

// A panic must not cross the border; one that nobody recovers ends the process.
func guard(host *C.faas_host, inv *C.faas_inv, status *C.faas_status) {
	if cause := recover(); cause != nil {
		with("Go.Panic", func(kind C.faas_bytes) {
			with(fmt.Sprint(cause), func(message C.faas_bytes) { C.fail_with(host, inv, kind, message) })
		})
		*status = C.FAAS_E_PANIC
	}
}

// Lends a text for one call.
func with(text string, call func(C.faas_bytes)) {
	copied := C.CString(text)
	defer C.free(unsafe.Pointer(copied))
	call(C.faas_bytes{ptr: (*C.uint8_t)(unsafe.Pointer(copied)), len: C.size_t(len(text))})
}

func main() {}
