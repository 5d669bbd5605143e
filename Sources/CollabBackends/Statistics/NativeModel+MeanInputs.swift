package import Collab

extension NativeModel {
    /// The mean over all tokens of the vectors that enter each layer's feed-forward block.
    package func meanFeedForwardInputs(_ texts: [[TokenID]]) async throws(CollabError) -> [[Float]] {
        try await meanInputs(texts).map { $0[AdapterSet.Input.feedForward.rawValue] }
    }

    /// The mean over all tokens of the vectors that each layer's matrices read, by layer and in it by input.
    func meanInputs(_ texts: [[TokenID]]) async throws(CollabError) -> [[[Float]]] {
        let widths = AdapterSet.Input.allCases.map { input in
            switch input {
            case .attention, .feedForward: configuration.embeddingLength
            case .attentionOutput: configuration.queryLength
            case .down: configuration.feedForwardLength
            }
        }
        let layer = widths.map { [Double](repeating: 0, count: $0) }
        let sums = Protected([[[Double]]](repeating: layer, count: configuration.layers.count))
        let probe = ActivationProbe { layer, tensor, _, vector in
            guard let input = tensor.adapterInput?.rawValue else { return }
            sums.withLock { sums in
                for place in vector.indices { sums[layer][input][place] += Double(vector[place]) }
            }
        }
        for text in texts { _ = try await makeNativeDecoder().run(text, Readout(), probe: probe) }
        let count = Double(texts.reduce(0) { $0 + $1.count })
        return sums.withLock { $0 }.map { $0.map { $0.map { Float($0 / count) } } }
    }
}
