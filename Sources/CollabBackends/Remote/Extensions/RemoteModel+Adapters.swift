public import Collab

extension RemoteModel {
    /// The low-rank adapters of this model that the server offers under names of their own (vLLM).
    ///
    /// Each is a model: `RemoteModel("my-adapter", at: …)`, or what ``loadAdapter(_:from:)`` returns.
    /// Throws what ``availableModels()`` throws.
    public func availableAdapters() async throws(CollabError) -> [String] {
        let json = try await endpoint.fetchJSON("GET", "models", model: model)
        return (json["data"]?.arrayValue ?? []).compactMap { entry in
            entry["parent"]?.stringValue == model ? entry["id"]?.stringValue : nil
        }
    }

    /// Makes the server load a low-rank adapter, and returns the model that it makes of this one.
    ///
    /// vLLM allows it only if it was started with `--enable-lora` and `VLLM_ALLOW_RUNTIME_LORA_UPDATING=True`, which is
    /// meant for networks that one trusts.
    ///
    /// - Parameters:
    ///   - name: the name under which the server offers it from then on.
    ///   - path: the folder with the adapter on the server's machine.
    ///
    /// Throws ``Collab/CollabError/Code/unsupported`` for other servers, and what a call throws, `invalidRequest` with
    /// ``RemoteFailure/Kind/notFound`` if there is no adapter or loading is not allowed.
    public func loadAdapter(_ name: String, from path: String) async throws(CollabError) -> RemoteModel {
        try await changeAdapters(
            "load_lora_adapter",
            ["lora_name": .string(name), "lora_path": .string(path)]
        )
        var settings = settings
        settings.name = nil
        return try sibling(name, settings)
    }

    /// Makes the server forget a low-rank adapter.
    ///
    /// Throws what ``loadAdapter(_:from:)`` throws.
    public func unloadAdapter(_ name: String) async throws(CollabError) {
        try await changeAdapters("unload_lora_adapter", ["lora_name": .string(name)])
    }

    private func changeAdapters(_ path: String, _ body: JSONObject) async throws(CollabError) {
        guard server.extensions == .vLLM else {
            throw CollabError(
                .unsupported,
                "\(server.name) does not load adapters while it runs; vLLM does (server: .vLLM)."
            )
        }
        try await endpoint.send("POST", path, body: JSONValue.object(body).encoded(), model: model)
    }
}
