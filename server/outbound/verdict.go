package outbound

import (
	"context"
	"errors"
	"time"
)

// Health is what a try says about the other side.
type Health uint8

// The kinds of health.
const (
	Answered Health = iota // it works, whatever it answered: a refusal and a decline are answers
	Failed                 // it does not: no connection, no answer in time, 5xx
	Ignored                // nothing can be said: the caller went away
)

func (h Health) String() string { return [...]string{"answered", "failed", "ignored"}[h] }

// Verdict is what an error means.
type Verdict struct {
	Health Health
	Retry  bool          // the same try may succeed later, and is safe to make again
	After  time.Duration // how long the other side wants to be left alone at least; 0 means it did not say
}

// Classify tells what an error of a try means; it is not asked about nil, nor after the caller
// went away.
type Classify func(err error) Verdict

// patience is how long a try must have gone without an answer, when the caller's deadline ends it,
// to count against the other side: a caller in a hurry proves nothing.
const patience = time.Second

// judge asks classify, unless it is the caller who ended the try.
func judge(ctx context.Context, err error, took time.Duration, classify Classify) Verdict {
	switch {
	case err == nil:
		return Verdict{Health: Answered}
	case ctx.Err() == nil:
		return classify(err)
	case errors.Is(ctx.Err(), context.DeadlineExceeded) && took >= patience:
		return Verdict{Health: Failed}
	default:
		return Verdict{Health: Ignored}
	}
}
