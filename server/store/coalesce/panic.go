package coalesce

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Caught makes an error of a recovered value. Do panics with it in the goroutine of its caller, whose
// request it is about: a batch is written in a goroutine where nobody would recover.
func Caught(value any) error { return panicked{value, debug.Stack()} }

func panicAgain(err error) {
	if p := (panicked{}); errors.As(err, &p) {
		panic(p.Error())
	}
}

type panicked struct {
	value any
	stack []byte
}

func (p panicked) Error() string { return fmt.Sprintf("%v\n\n%s", p.value, p.stack) }
