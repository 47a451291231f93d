package redistest

import (
	"testing"

	"go.uber.org/goleak"
)

// VerifyTestMain runs a package's tests and fails when they leave goroutines behind. One is left
// out: where a Redis was killed, the client's pool looks once a second whether it is back, and
// after Close that goroutine sleeps its second out before it ends.
func VerifyTestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}
