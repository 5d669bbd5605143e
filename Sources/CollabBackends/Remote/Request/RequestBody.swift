internal import Collab

/// Writes the body of a call in the server's dialect.
struct RequestBody {
    let model: String
    let server: ServerKind
    let settings: RemoteSettings

    /// The path that a request goes to.
    func path(for request: Request) -> String { server.dialect.coding.path(for: request) }

    /// The body as JSON.
    ///
    /// The answer is always streamed, even to callers that want it whole: only then does a server stop working when
    /// the connection is closed, and only then is there something to show for an answer that breaks off.
    ///
    /// Throws ``Collab/CollabError/Code/unsupported`` for an option that the server has no field for.
    func make(for request: Request) throws(CollabError) -> JSONObject {
        let coding = server.dialect.coding
        let context = RequestContext(model: model, server: server, settings: settings)
        var body = try coding.body(for: request, context)
        for option in settings.options { Self.add(try option.fields(for: server), to: &body) }
        for extra in settings.extras where body[extra.key] != nil && coding.fixedFields.contains(extra.key) {
            throw CollabError(
                .invalidRequest,
                "The extra field “\(extra.key)” would replace one that is needed."
            )
        }
        Self.add(settings.extras, to: &body)
        return body
    }

    /// Adds fields; objects such as Ollama's options are added to, not replaced.
    private static func add(_ fields: JSONObject, to body: inout JSONObject) {
        for field in fields {
            if case .object(var inner)? = body[field.key], case .object(let added) = field.value {
                add(added, to: &inner)
                body[field.key] = .object(inner)
            } else {
                body[field.key] = field.value
            }
        }
    }
}
