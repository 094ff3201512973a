package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
)

const atOnce = 8

// counting counts the requests that go out.
type counting struct {
	http.RoundTripper
	requests atomic.Int64
}

func (c *counting) RoundTrip(request *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	return c.RoundTripper.RoundTrip(request)
}

// walk fetches with oras-go what hangs on the tags of the repositories named on standard input, eight at a time: manifests,
// referrers and referrers of these, and the layers of referrers. The answer is how many requests that took.
func walk(address string) error {
	wire := &counting{RoundTripper: &http.Transport{MaxIdleConnsPerHost: atOnce}}
	names := make(chan string)
	failures := make(chan error, atOnce)
	var walkers sync.WaitGroup
	for range atOnce {
		walkers.Add(1)
		go func() {
			defer walkers.Done()
			for name := range names {
				if err := walkRepository(address+"/"+name, wire); err != nil {
					failures <- err
					return
				}
			}
		}()
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		select {
		case names <- lines.Text():
		case err := <-failures:
			return err
		}
	}
	close(names)
	walkers.Wait()
	select {
	case err := <-failures:
		return err
	default:
		return json.NewEncoder(os.Stdout).Encode(map[string]int64{"all": wire.requests.Load()})
	}
}

type repositoryWalk struct {
	*remote.Repository
	listings map[string]bool // tags of the referrers tag schema
}

func walkRepository(name string, wire http.RoundTripper) error {
	ctx := context.Background()
	repository, err := remote.NewRepository(name)
	if err != nil {
		return err
	}
	repository.PlainHTTP = true
	repository.Client = &http.Client{Transport: wire}
	here := repositoryWalk{repository, map[string]bool{}}
	var images []string
	err = repository.Tags(ctx, "", func(tags []string) error {
		for _, tag := range tags {
			if strings.HasPrefix(tag, "sha256-") {
				here.listings[tag] = true
			} else {
				images = append(images, tag)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, tag := range images {
		image, body, err := repository.FetchReference(ctx, tag)
		if err != nil {
			return err
		}
		_, err = content.ReadAll(body, image)
		body.Close()
		if err != nil {
			return err
		}
		if err := here.referrers(ctx, image); err != nil {
			return err
		}
	}
	return nil
}

// referrers follows what refers to a manifest. Where the tag schema is used, one without its tag has none; the library would ask.
func (w repositoryWalk) referrers(ctx context.Context, subject ocispec.Descriptor) error {
	if len(w.listings) > 0 && !w.listings[strings.Replace(subject.Digest.String(), ":", "-", 1)] {
		return nil
	}
	return w.Referrers(ctx, subject, "", func(entries []ocispec.Descriptor) error {
		for _, entry := range entries {
			document, err := content.FetchAll(ctx, w, entry)
			if err != nil {
				return err
			}
			var manifest ocispec.Manifest
			if err := json.Unmarshal(document, &manifest); err != nil {
				return err
			}
			for _, layer := range manifest.Layers {
				if _, err := content.FetchAll(ctx, w, layer); err != nil {
					return err
				}
			}
			if err := w.referrers(ctx, entry); err != nil {
				return err
			}
		}
		return nil
	})
}
