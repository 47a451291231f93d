// Command migrate writes and checks the versioned SQL in ent/migrations: what developers run when
// they have changed ent/schema. Applying it is the server's business.
//
//	go run ./ent/migrate new add_orders   write what ent/schema needs beyond the migrations
//	go run ./ent/migrate check            fail if schema and migrations disagree, or one is unsafe
//	go run ./ent/migrate hash             sum up the files again after an edit by hand
//	go run ./ent/migrate initial          before the first release: write it all anew as one migration
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"regexp"
)

const usage = "usage: go run ./ent/migrate new NAME | check | hash | initial"

// goodName is what a migration may be called.
var goodName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, "ent/migrations", os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run does one command on the folder that has a folder for each dialect.
func run(ctx context.Context, folder string, args []string) error {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	switch {
	case command == "new" && len(args) == 2 && goodName.MatchString(args[1]):
		return eachDialect(ctx, folder, func(s *side, ctx context.Context) error { return s.add(ctx, args[1]) })
	case command == "new" && len(args) == 2:
		return fmt.Errorf("%q is no name like add_orders", args[1])
	case command == "check" && len(args) == 1:
		return eachDialect(ctx, folder, (*side).check)
	case command == "hash" && len(args) == 1:
		return eachDialect(ctx, folder, (*side).hash)
	case command == "initial" && len(args) == 1:
		return eachDialect(ctx, folder, (*side).rewrite)
	}
	return errors.New(usage)
}
