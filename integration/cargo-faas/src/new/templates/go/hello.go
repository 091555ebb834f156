// A function in Go, as a shared library: it greets whoever is named in the query of a request.
package main

// #cgo CFLAGS: -I${SRCDIR}/include
// #include "module.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// What the function does. A reply is a text, or an error with its message.
func hello(name string) (string, error) {
	if name == "" {
		name = "world"
	}
	return "hello, " + name, nil
}

// Called for each invocation, on a thread of the runtime's.
//
//export goInvoke
func goInvoke(host *C.faas_host, inv *C.faas_inv) (status C.faas_status) {
	defer guard(host, inv, &status)
	var name string
	with("name", func(key C.faas_bytes) {
		found := C.query_of(host, inv, key)
		name = string(C.GoBytes(unsafe.Pointer(found.ptr), C.int(found.len)))
	})
	text, err := hello(name)
	if err != nil {
		return fail(host, inv, "Hello.Failed", err.Error(), C.FAAS_E_USER)
	}
	// A copy, which the host frees: it must not keep memory of Go's.
	return C.reply_with(host, inv, 200, C.CBytes([]byte(text)), C.size_t(len(text)))
}

// A panic must not cross the border; one that nobody recovers ends the process.
func guard(host *C.faas_host, inv *C.faas_inv, status *C.faas_status) {
	if cause := recover(); cause != nil {
		*status = fail(host, inv, "Go.Panic", fmt.Sprint(cause), C.FAAS_E_PANIC)
	}
}

func fail(host *C.faas_host, inv *C.faas_inv, kind, message string, status C.faas_status) C.faas_status {
	with(kind, func(kind C.faas_bytes) {
		with(message, func(message C.faas_bytes) { C.fail_with(host, inv, kind, message) })
	})
	return status
}

// Lends a text for one call.
func with(text string, call func(C.faas_bytes)) {
	copied := C.CString(text)
	defer C.free(unsafe.Pointer(copied))
	call(C.faas_bytes{ptr: (*C.uint8_t)(unsafe.Pointer(copied)), len: C.size_t(len(text))})
}

func main() {}
