package server

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/interceptors"
	"github.com/orderprocessing/orderprocessing/server/audit"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// authenticator gives what proves who calls: services by their certificates, all others by tokens.
func authenticator(cfg config.Server, tokens auth.Authenticator, o Options) auth.Authenticator {
	all := auth.Authenticator(auth.Services{TrustDomain: cfg.TLS.TrustDomain, Tokens: tokens, Now: time.Now})
	if o.Authenticator != nil {
		return o.Authenticator(all)
	}
	return all
}

// acted records what staff and operators did.
func acted(log audit.Log) func(context.Context, interceptors.Act) error {
	return func(ctx context.Context, act interceptors.Act) error {
		object := act.Object
		if act.Personal {
			object = audit.Pseudonym(object)
		}
		return log.Append(context.WithoutCancel(ctx), audit.Record{
			Actor: act.Caller.ID, Action: strings.TrimPrefix(act.Procedure, "/"), Object: object, Outcome: audit.Done, Detail: act.Detail,
		})
	}
}

// denied records what known callers were refused. Strangers are counted only: they could fill the log.
func denied(log audit.Log, logger *slog.Logger) func(context.Context, string, auth.Caller, fault.Reason) {
	return func(ctx context.Context, procedure string, caller auth.Caller, reason fault.Reason) {
		if caller.ID == "" {
			return
		}
		err := log.Append(context.WithoutCancel(ctx), audit.Record{
			Actor: caller.ID, Action: strings.TrimPrefix(procedure, "/"), Outcome: audit.Denied, Detail: string(reason),
		})
		if err != nil {
			logger.ErrorContext(ctx, "a denial is not in the audit log", slog.Any(telemetry.LogError, err))
		}
	}
}
