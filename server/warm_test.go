package server

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestWarm(t *testing.T) {
	call := func() *http.Request { return httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil) }
	t.Run("a call takes a goroutine that is there, some stay, and all end with the server", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ends := make(chan struct{})
			var atWork atomic.Int64
			release := make(chan struct{})
			h := onWarm(ends, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				atWork.Add(1)
				<-release
				atWork.Add(-1)
			}))
			start := func(calls int) {
				for range calls {
					go h.ServeHTTP(httptest.NewRecorder(), call())
				}
				synctest.Wait()
			}
			finish := func() {
				close(release)
				synctest.Wait()
				release = make(chan struct{})
			}
			start(1)
			require.EqualValues(t, 1, atWork.Load())
			finish()
			require.Zero(t, h.waiting.Load(), "a call that comes alone stays where it is")
			start(1 + maxWarm + 50)
			require.EqualValues(t, 1+maxWarm+50, atWork.Load(), "none waits for another")
			finish()
			require.EqualValues(t, maxWarm, h.waiting.Load())
			start(2)
			require.EqualValues(t, maxWarm-1, h.waiting.Load())
			finish()
			require.EqualValues(t, maxWarm, h.waiting.Load())
			close(ends)
			synctest.Wait()
			require.Zero(t, h.waiting.Load())
			start(2) // as some that come while the server ends
			require.EqualValues(t, 2, atWork.Load())
			finish()
			require.Zero(t, h.waiting.Load())
		})
	})
	t.Run("a call of HTTP/2 takes a goroutine that is there, alone too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ends := make(chan struct{})
			h := onWarm(ends, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			r := call()
			r.ProtoMajor = 2
			h.ServeHTTP(httptest.NewRecorder(), r)
			synctest.Wait()
			require.EqualValues(t, 1, h.waiting.Load())
			close(ends)
		})
	})
	t.Run("a panic beside other calls reaches net/http, with its place", func(t *testing.T) {
		for _, tt := range []struct {
			with any
			want func(any)
		}{
			{http.ErrAbortHandler, func(got any) { require.Equal(t, http.ErrAbortHandler, got) }},
			{"boom", func(got any) { require.Contains(t, got, "boom"); require.Contains(t, got, "warm_test.go") }},
		} {
			h := onWarm(nil, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(tt.with) }))
			h.inside.Add(1) // another call
			func() {
				defer func() { tt.want(recover()) }()
				h.ServeHTTP(httptest.NewRecorder(), call())
			}()
		}
	})
}
