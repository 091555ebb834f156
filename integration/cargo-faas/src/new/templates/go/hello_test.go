package main

import "testing"

func TestWhoeverIsNamedIsGreeted(t *testing.T) {
	for name, expected := range map[string]string{"ada": "hello, ada", "": "hello, world"} {
		if text, err := hello(name); text != expected || err != nil {
			t.Errorf("%q: %q, %v", name, text, err)
		}
	}
}
