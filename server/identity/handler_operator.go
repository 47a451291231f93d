package identity

import (
	"context"

	identityv1 "github.com/orderprocessing/orderprocessing/gen/identity/v1"
	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/store/principals"
)

// AssignRole says what a user may be.
func (h *Handler) AssignRole(ctx context.Context, req *identityv1.AssignRoleRequest) (*identityv1.AssignRoleResponse, error) {
	userID, err := principals.ParseUserID(req.GetUserId())
	if err != nil {
		return nil, err
	}
	user, err := h.identity.AssignRoles(ctx, userID, rolesFromProto(req.GetRoles()))
	if err != nil {
		return nil, err
	}
	return &identityv1.AssignRoleResponse{User: userToProto(user)}, nil
}

// CreateApiKey makes a key and tells its secret.
func (h *Handler) CreateApiKey(ctx context.Context, req *identityv1.CreateApiKeyRequest) (*identityv1.CreateApiKeyResponse, error) {
	k, secret, err := h.identity.CreateKey(ctx, newKeyFromProto(req))
	if err != nil {
		return nil, err
	}
	return &identityv1.CreateApiKeyResponse{ApiKey: h.keyToProto(k), Secret: secret}, nil
}

// ListApiKeys reads a page of keys.
func (h *Handler) ListApiKeys(ctx context.Context, req *identityv1.ListApiKeysRequest) (*identityv1.ListApiKeysResponse, error) {
	page, err := contract.PageOf(req)
	if err != nil {
		return nil, err
	}
	keys, next, err := h.identity.Keys(ctx, page)
	if err != nil {
		return nil, err
	}
	res := &identityv1.ListApiKeysResponse{NextPageToken: next}
	for _, k := range keys {
		res.ApiKeys = append(res.ApiKeys, h.keyToProto(k))
	}
	return res, nil
}

// RotateApiKey gives a key another secret and tells it.
func (h *Handler) RotateApiKey(ctx context.Context, req *identityv1.RotateApiKeyRequest) (*identityv1.RotateApiKeyResponse, error) {
	keyID, err := principals.ParseKeyID(req.GetApiKeyId())
	if err != nil {
		return nil, err
	}
	k, secret, err := h.identity.RotateKey(ctx, keyID, req.GetOverlap().AsDuration(), req.GetRequestId())
	if err != nil {
		return nil, err
	}
	return &identityv1.RotateApiKeyResponse{ApiKey: h.keyToProto(k), Secret: secret}, nil
}

// RevokeApiKey ends a key.
func (h *Handler) RevokeApiKey(ctx context.Context, req *identityv1.RevokeApiKeyRequest) (*identityv1.RevokeApiKeyResponse, error) {
	keyID, err := principals.ParseKeyID(req.GetApiKeyId())
	if err != nil {
		return nil, err
	}
	k, err := h.identity.RevokeKey(ctx, keyID)
	if err != nil {
		return nil, err
	}
	return &identityv1.RevokeApiKeyResponse{ApiKey: h.keyToProto(k)}, nil
}

// keyToProto shows a key as it stands now.
func (h *Handler) keyToProto(k principals.Key) *identityv1.ApiKey {
	return keyToProto(k, h.identity.clock())
}
