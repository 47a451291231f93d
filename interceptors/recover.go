package interceptors

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
)

// recoverPanics turns the panic of a handler into an error, which mapErrors logs and hides.
func recoverPanics(ctx context.Context, _ *call, next func(context.Context) error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = caught(value)
		}
	}()
	return next(ctx)
}

// caught makes an error of a recovered value, with the stack it came from.
func caught(value any) error {
	if value == http.ErrAbortHandler { //nolint:errorlint // net/http compares it like this, too.
		panic(value)
	}
	return &panicError{value: value, stack: debug.Stack()}
}

type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }
