package gluetest

import (
	"maps"
	"strings"
)

// checkTags refuses what no resource may be tagged with.
func checkTags(tags object) error {
	if len(tags) > 50 {
		return invalid("A resource has at most 50 tags")
	}
	for key, value := range tags {
		text, _ := value.(string)
		if key == "" || len(key) > 128 || len(text) > 256 || strings.HasPrefix(strings.ToLower(key), "aws:") {
			return invalid("Tag %q is not valid", key)
		}
	}
	return nil
}

// tagged finds the tags of a thing that exists.
func (w *world) tagged(in object) (string, object, error) {
	name := str(in, "ResourceArn")
	tags := w.tags[name]
	if tags == nil {
		return "", nil, missing("Entity Not Found: %s", name)
	}
	return name, tags, nil
}

func (w *world) tagResource(in object) (object, error) {
	name, tags, err := w.tagged(in)
	if err != nil {
		return nil, err
	}
	all := clone(tags)
	maps.Copy(all, sub(in, "TagsToAdd"))
	if err := checkTags(all); err != nil {
		return nil, err
	}
	w.tags[name] = all
	return object{}, nil
}

func (w *world) untagResource(in object) (object, error) {
	_, tags, err := w.tagged(in)
	if err != nil {
		return nil, err
	}
	for _, item := range list(in, "TagsToRemove") {
		key, _ := item.(string)
		delete(tags, key)
	}
	return object{}, nil
}

func (w *world) getTags(in object) (object, error) {
	_, tags, err := w.tagged(in)
	if err != nil {
		return nil, err
	}
	return object{"Tags": tags}, nil
}

// JobARN is the ARN of a job, for its tags.
func JobARN(name string) string { return arn("job", name) }

// TriggerARN is the ARN of a trigger, for its tags.
func TriggerARN(name string) string { return arn("trigger", name) }

// Tags are the tags of a thing; nil where there is no such thing.
func (f *Fake) Tags(arn string) map[string]string {
	var out map[string]string
	f.change(func(w *world) {
		if w.tags[arn] == nil {
			return
		}
		out = map[string]string{}
		for key := range w.tags[arn] {
			out[key] = str(w.tags[arn], key)
		}
	})
	return out
}
