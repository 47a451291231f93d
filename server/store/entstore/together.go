package entstore

import (
	"context"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
)

// together does a batch by all, which is one transaction. When that fails, or panics, for a reason that may lie
// in one request, each goes alone, so that one that fails fails alone.
func together[In, Out any](
	ctx context.Context, batch []In, all func(context.Context, []In) ([]coalesce.Result[Out], error),
) []coalesce.Result[Out] {
	results, err := recovered(ctx, batch, all)
	if err == nil {
		return results
	}
	results = make([]coalesce.Result[Out], len(batch))
	for i := range batch {
		if len(batch) > 1 && ctx.Err() == nil && fault.KindOf(err) != fault.KindUnavailable {
			results[i] = together(ctx, batch[i:i+1], all)[0]
			continue
		}
		results[i].Err = err
	}
	return results
}

func recovered[In, Out any](
	ctx context.Context, batch []In, all func(context.Context, []In) ([]coalesce.Result[Out], error),
) (results []coalesce.Result[Out], err error) {
	defer func() {
		if value := recover(); value != nil {
			err = coalesce.Caught(value)
		}
	}()
	return all(ctx, batch)
}
