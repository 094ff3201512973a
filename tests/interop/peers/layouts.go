package main

import (
	"context"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/registry/remote"
)

// save copies an artifact with all that refers to it from a registry into a layout folder, as "oras cp -r" does.
func save(q question, repository *remote.Repository) (answer, error) {
	store, err := oci.New(q.Layout)
	if err != nil {
		return answer{}, err
	}
	descriptor, err := oras.ExtendedCopy(context.Background(), repository, q.Reference, store, q.Reference, oras.DefaultExtendedCopyOptions)
	return answer{Digest: descriptor.Digest.String()}, err
}

// load copies it from a layout into a registry.
func load(q question, repository *remote.Repository) (answer, error) {
	store, err := opened(q.Layout)
	if err != nil {
		return answer{}, err
	}
	descriptor, err := oras.ExtendedCopy(context.Background(), store, q.Reference, repository, q.Reference, oras.DefaultExtendedCopyOptions)
	return answer{Digest: descriptor.Digest.String()}, err
}

// referrersInLayout lists what refers to a manifest by its subject; an index that holds it does not.
func referrersInLayout(q question) (answer, error) {
	ctx := context.Background()
	store, err := opened(q.Layout)
	if err != nil {
		return answer{}, err
	}
	target, err := store.Resolve(ctx, q.Reference)
	if err != nil {
		return answer{}, err
	}
	target.MediaType = q.MediaType // oras takes what index.json does not list for a blob
	predecessors, err := store.Predecessors(ctx, target)
	result := answer{Digest: target.Digest.String()}
	for _, one := range predecessors {
		if one.MediaType == ocispec.MediaTypeImageManifest {
			result.Referrers = append(result.Referrers, one.Digest.String())
		}
	}
	return result, err
}

func opened(layout string) (oras.ReadOnlyGraphTarget, error) {
	if strings.HasSuffix(layout, ".tar") {
		return oci.NewFromTar(context.Background(), layout)
	}
	return oci.New(layout)
}
