import Collab
import CollabBackends

/// What options of the engine cost or save, measured in turns with the engine as it is.
struct EngineVariants {
    let path: String
    let threads: Int
    let rounds: Int

    private static let decode = EngineFigure.decode(prompt: 128, count: 64)
    private static let batch = EngineFigure.batch(sequences: 8, prompt: 128, count: 32)
    /// Long texts, whose keys and values weigh most.
    private static let longBatch = EngineFigure.batch(sequences: 8, prompt: 1024, count: 32)

    /// Writing under a low-rank adapter of every matrix of the layers, over writing without.
    func adapters(name: String) async throws -> [Measurement] {
        let plain = try await EngineRunner(path: path, threads: threads)
        var measurements: [Measurement] = []
        for rank in [8, 16] {
            var adapted = plain
            adapted.speaker = try await plain.model.adapted(by: [try adapter(of: rank, for: plain.model)])
            for figure in [Self.decode, Self.batch] {
                let figures = try await compare(plain, adapted, figure)
                measurements.append(
                    Measurement(
                        name: "\(name) \(figure.name), adapter of rank \(rank)",
                        conditions: ["threads": String(threads)],
                        figures: figures
                    )
                )
            }
        }
        return measurements
    }

    /// Keys and values as bytes, over keys and values in 16-bit floats.
    func keyValueFormats(name: String) async throws -> [Measurement] {
        let half = try await EngineRunner(path: path, threads: threads)
        let bytes = try await EngineRunner(path: path, threads: threads, keyValueFormat: .int8)
        var measurements: [Measurement] = []
        for (figure, prompt) in [(Self.decode, 128), (Self.longBatch, 1024)] {
            measurements.append(
                Measurement(
                    name: "\(name) \(figure.name) after \(prompt) tokens, int8 keys and values",
                    conditions: ["threads": String(threads)],
                    figures: try await compare(half, bytes, figure)
                )
            )
        }
        return measurements
    }

    private func compare(
        _ plain: EngineRunner,
        _ variant: EngineRunner,
        _ figure: EngineFigure
    ) async throws -> [String: Double] {
        var (rates, others, ratios): ([Double], [Double], [Double]) = ([], [], [])
        for round in 0...rounds {
            let rate = try await plain.rate(figure, round: round)
            let other = try await variant.rate(figure, round: round)
            // The first round warms both up.
            guard round > 0 else { continue }
            rates.append(rate)
            others.append(other)
            ratios.append(other / rate)
        }
        return ["tokens/s": median(others), "tokens/s without": median(rates), "× without": median(ratios)]
    }

    private func adapter(of rank: Int, for model: NativeModel) throws -> LowRankAdapter {
        let shapes = model.checkpoint.tensors.filter { tensor in
            tensor.shape.count == 2 && tensor.name.hasPrefix("blk.") && tensor.name.hasSuffix(".weight")
        }
        let modules = try shapes.map { tensor in
            try LowRankAdapter.Module(
                path: String(tensor.name.dropLast(".weight".count)),
                rank: rank,
                scale: 1,
                a: RandomBytes.floats(rank * tensor.shape[1]).map { $0 * 0.01 },
                b: RandomBytes.floats(rank * tensor.shape[0]).map { $0 * 0.01 }
            )
        }
        return try LowRankAdapter("rank \(rank)", modules: modules, naming: .gguf)
    }
}
