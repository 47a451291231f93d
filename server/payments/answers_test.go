package payments

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/payment"
)

func TestAnswers(t *testing.T) {
	t.Run("what was answered and stored is known, nothing else", func(t *testing.T) {
		var a answers
		a.came("a", payment.AnswerDone)(nil)
		require.True(t, a.has(t.Context(), "a", payment.AnswerDone))
		require.False(t, a.has(t.Context(), "a", payment.AnswerDeclined))
		require.False(t, a.has(t.Context(), "b", payment.AnswerDone))
		a.forget("a")
		require.False(t, a.has(t.Context(), "a", payment.AnswerDone))
	})
	t.Run("what is being stored is waited for, and not known when that failed", func(t *testing.T) {
		for _, failed := range []error{nil, errors.New("the database is away")} {
			synctest.Test(t, func(t *testing.T) {
				var a answers
				stored := a.came("a", payment.AnswerDone)
				known := make(chan bool, 1)
				go func() { known <- a.has(t.Context(), "a", payment.AnswerDone) }()
				synctest.Wait()
				require.Empty(t, known)
				stored(failed)
				require.Equal(t, failed == nil, <-known)
			})
		}
	})
	t.Run("who cannot wait looks for itself", func(t *testing.T) {
		var a answers
		a.came("a", payment.AnswerDone)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.False(t, a.has(ctx, "a", payment.AnswerDone))
	})
	t.Run("the oldest are forgotten", func(t *testing.T) {
		var a answers
		for n := range maxAnswers + 1 {
			a.came(payment.Key(strconv.Itoa(n)), payment.AnswerDone)(nil)
		}
		require.Len(t, a.known, maxAnswers)
		require.False(t, a.has(t.Context(), "0", payment.AnswerDone))
		require.True(t, a.has(t.Context(), "1", payment.AnswerDone))
	})
}
