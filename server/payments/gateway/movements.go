package gateway

import (
	"context"
	"iter"
	"time"
)

// Ledger tells what a gateway did, as Gateway.Ledger has it.
type Ledger interface {
	Ledger(ctx context.Context, request LedgerRequest) (LedgerPage, error)
}

// Movements walks the gateway's ledger from a time on, oldest first as far as the gateway can
// order it. It ends after the first error.
func Movements(ctx context.Context, g Ledger, since time.Time) iter.Seq2[Movement, error] {
	return func(yield func(Movement, error) bool) {
		request := LedgerRequest{Since: since}
		for {
			page, err := g.Ledger(ctx, request)
			if err != nil {
				yield(Movement{}, err)
				return
			}
			for _, movement := range page.Movements {
				if !yield(movement, nil) {
					return
				}
			}
			if request.Cursor = page.Next; request.Cursor == "" {
				return
			}
		}
	}
}
