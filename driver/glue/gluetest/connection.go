package gluetest

func (w *world) createConnection(in object) (object, error) {
	connection := without(sub(in, "ConnectionInput"), "ValidateCredentials", "ValidateForComputeEnvironments")
	name := str(connection, "Name")
	if name == "" || str(connection, "ConnectionType") == "" {
		return nil, invalid("A connection has a name and a type")
	}
	if w.connections[name] != nil {
		return nil, refuse("AlreadyExistsException", "Connection already exists.")
	}
	connection["CreationTime"], connection["LastUpdatedTime"] = seconds(w.now), seconds(w.now)
	connection["Status"] = "READY"
	w.connections[name] = connection
	w.tags[arn("connection", name)] = without(sub(in, "Tags"))
	return object{"CreateConnectionStatus": "READY"}, nil
}

func (w *world) deleteConnection(in object) (object, error) {
	name := str(in, "ConnectionName")
	if w.connections[name] == nil {
		return nil, missing("Connection %s not found.", name)
	}
	delete(w.connections, name)
	delete(w.tags, arn("connection", name))
	return object{}, nil
}

func (w *world) getConnection(in object) (object, error) {
	connection := w.connections[str(in, "Name")]
	if connection == nil {
		return nil, missing("Connection %s not found.", str(in, "Name"))
	}
	return object{"Connection": shown(connection, in)}, nil
}

func (w *world) getConnections(in object) (object, error) {
	var all []object
	for _, connection := range sorted(w.connections) {
		all = append(all, shown(connection, in))
	}
	return w.answerPage(in, all, 1000, "Name", "ConnectionList")
}

// shown is a connection with its password, or without it as HidePassword asks.
func shown(connection, in object) object {
	out := clone(connection)
	if flag(in, "HidePassword") {
		delete(sub(out, "ConnectionProperties"), "PASSWORD")
	}
	return out
}
