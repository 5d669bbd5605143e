package import Collab

extension NativeModel {
    /// The mean over all tokens of the vectors that enter each layer's feed-forward block.
    package func meanFeedForwardInputs(_ texts: [[TokenID]]) async throws(CollabError) -> [[Float]] {
        let width = configuration.embeddingLength
        let sums = Protected(
            [[Double]](repeating: [Double](repeating: 0, count: width), count: configuration.layers.count)
        )
        let probe = ActivationProbe { layer, tensor, _, vector in
            guard tensor == .gate else { return }
            sums.withLock { sums in
                for place in vector.indices { sums[layer][place] += Double(vector[place]) }
            }
        }
        for text in texts { _ = try await makeNativeDecoder().run(text, Readout(), probe: probe) }
        let count = Double(texts.reduce(0) { $0 + $1.count })
        return sums.withLock { $0 }.map { $0.map { Float($0 / count) } }
    }
}
