public import Collab

extension RemoteModel {
    /// What the server tells about the model: how long its context is, whether it takes images or tools, and so on.
    ///
    /// OpenAI's list of models says nothing but names; vLLM, OpenRouter, Groq and Mistral say more in it. llama.cpp is
    /// asked for `/props` too, vLLM for `/version`, Ollama for `/api/show` and `/api/version`, and Anthropic for its
    /// entry of the model. Nothing is generated, and nothing is charged.
    ///
    /// Throws what ``availableModels()`` throws, and ``Collab/CollabError/Code/invalidRequest`` if the server does not
    /// offer the model.
    public func capabilities() async throws(CollabError) -> ModelCapabilities {
        var capabilities = ModelCapabilities()
        switch server.dialect {
        case .chatCompletions, .responses: try await ask(compatible: &capabilities)
        case .ollama: try await ask(ollama: &capabilities)
        case .anthropicMessages:
            let path = "models/" + model.percentEncodedForPath
            capabilities.read(anthropic: try await endpoint.fetchJSON("GET", path, model: model))
        }
        return capabilities
    }

    /// Makes a model of the kind that its server says it is: one of ``ServerKind/llamaCPP`` and ``ServerKind/vLLM``
    /// where it says so, and else ``ServerKind/compatible``. It is one question to the server, and not one to the model.
    ///
    /// Throws what ``RemoteModel/init(_:at:key:server:settings:)`` and ``checkAvailability()`` throw.
    public static func connecting(
        _ model: String,
        at base: String,
        key: Secret? = nil,
        settings: RemoteSettings = RemoteSettings()
    ) async throws(CollabError) -> RemoteModel {
        let unknown = try RemoteModel(model, at: base, key: key, settings: settings)
        var capabilities = ModelCapabilities()
        capabilities.read(entry: try await unknown.entry())
        guard let kind = capabilities.server, kind.dialect == unknown.server.dialect else { return unknown }
        return try RemoteModel(model, at: base, key: key, server: kind, settings: settings)
    }

    private func ask(compatible capabilities: inout ModelCapabilities) async throws(CollabError) {
        capabilities.read(entry: try await entry())
        switch capabilities.server {
        case .llamaCPP?:
            if let json = try await optional("GET", "props") { capabilities.read(properties: json) }
        case .vLLM?:
            if let json = try await optional("GET", "version") { capabilities.read(version: json) }
        case .ollama?:
            if let json = try await optional("POST", "api/show", body: showBody) {
                capabilities.read(show: json, extras: settings.extras)
            }
            if let json = try await optional("GET", "api/version") { capabilities.read(version: json) }
        default: break
        }
    }

    private func ask(ollama capabilities: inout ModelCapabilities) async throws(CollabError) {
        let json = try await endpoint.fetchJSON(
            "POST",
            "api/show",
            body: showBody,
            isCharged: false,
            model: model
        )
        capabilities.read(show: json, extras: settings.extras)
        if let json = try await optional("GET", "api/version") { capabilities.read(version: json) }
    }

    private var showBody: [UInt8] { JSONValue.object(["model": .string(model)]).encoded() }

    /// What the server's list says about the model.
    ///
    /// llama.cpp serves the one model that it has under any name.
    private func entry() async throws(CollabError) -> JSONValue {
        let entries = try await listing()
        if let entry = entries.first(where: { $0.modelName.map(isNamed) == true }) { return entry }
        if entries.count == 1, entries[0]["owned_by"]?.stringValue == "llamacpp" { return entries[0] }
        throw missing(among: entries.compactMap(\.modelName))
    }

    /// Asks for what a server may have beside the protocol; `nil` if it does not have it, or does not show it.
    private func optional(
        _ method: String,
        _ path: String,
        body: [UInt8]? = nil
    ) async throws(CollabError) -> JSONValue? {
        do throws(CollabError) {
            return try await endpoint.root().fetchJSON(
                method,
                path,
                body: body,
                isCharged: false,
                model: model
            )
        } catch {
            switch error.remoteFailure?.kind {
            case .notFound?, .forbidden?, .unauthenticated?, .invalidRequest?, .malformed?: return nil
            default: throw error
            }
        }
    }
}

extension String {
    /// The text as one component of a path.
    fileprivate var percentEncodedForPath: String {
        utf8.map { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e:
                String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}
