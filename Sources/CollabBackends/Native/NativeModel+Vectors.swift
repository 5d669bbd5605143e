public import Collab

extension NativeModel: EmbeddingModel {
    /// The length of an embedding: the width of the residual stream.
    public var dimension: Int { configuration.embeddingLength }

    /// One vector a text, in order, each of unit length, of the residual stream after the final norm: its mean over the
    /// text's tokens, or its state at the last of them, as the options or the model's files say.
    ///
    /// A model trained to continue text is a weak judge of similarity compared with one trained for it; prefer an
    /// encoder, or a decoder that was trained to embed, where there is one.
    public func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] {
        let pooling: Pooling
        if let chosen = options.pooling {
            pooling = chosen
        } else if let named = try Pooling(checkpoint) {
            pooling = named
        } else {
            pooling = .mean
        }
        return try await concurrently(texts) { (text) async throws(CollabError) in
            let tokens = try self.vocabulary.encodePrompt(text, parsingSpecialTokens: false)
            Run.spend(Usage(promptTokens: tokens.count))
            let read = pooling == .mean ? 0..<tokens.count : max(0, tokens.count - 1)..<tokens.count
            let readout = Readout(kind: .hidden, positions: read)
            guard case .hidden(let states) = try await self.makeNativeDecoder().run(tokens, readout) else {
                return []
            }
            var sum = [Float](repeating: 0, count: self.dimension)
            for state in states {
                for (index, value) in state.enumerated() { sum[index] += value }
            }
            let norm = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return norm > 0 ? sum.map { $0 / norm } : sum
        }
    }
}

extension NativeModel {
    /// The vector that enters a matrix at a position of a text: what a rank-one edit of that matrix needs.
    ///
    /// - Parameters:
    ///   - tokens: the text.
    ///   - tensor: the matrix by its name in the checkpoint, such as `blk.7.ffn_down` in a GGUF file.
    ///   - position: the index of the token.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if there is no such matrix or position.
    public func captureActivations(
        tokens: [TokenID],
        tensor: String,
        position: Int
    ) async throws(CollabError) -> [Float] {
        guard tokens.indices.contains(position) else {
            let message = "There is no position \(position) among \(tokens.count) tokens."
            throw CollabError(.invalidRequest, message)
        }
        let names = [tensor, tensor + ".weight"]
        let place = configuration.layers.indices.lazy.flatMap { layer in
            LayerTensor.allCases.map { (layer: layer, tensor: $0) }
        }.first { place in
            configuration.place(of: place.tensor, in: place.layer).map { names.contains($0.name) } ?? false
        }
        guard let place, configuration.shape(of: place.tensor)?.count == 2 else {
            throw CollabError(
                .invalidRequest,
                "\(name) has no matrix “\(tensor)” whose input could be captured."
            )
        }
        let captured = Protected<[Float]>([])
        let probe = ActivationProbe { layer, tensor, at, vector in
            guard layer == place.layer, tensor == place.tensor, at == position else { return }
            captured.withLock { $0 = Array(vector) }
        }
        _ = try await makeNativeDecoder().run(Array(tokens[...position]), Readout(), probe: probe)
        return captured.withLock { $0 }
    }
}
