import ArgumentParser
import CollabKernels
import Foundation

/// The matrix products, attention and searches that a step of a model consists of, with random weights in the shapes
/// of the two example models.
struct KernelsSuite: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels",
        abstract: "Measure the kernels in the shapes of SmolLM2-135M Q4_1 and Gemma 3 270M Q4_K_M."
    )

    @Flag(help: "Print one JSON object instead of lines.")
    var json = false

    @Option(help: "Numbers of threads to measure, separated by commas.")
    var threads = "1,2"

    @Option(help: "Rounds of each measurement; the median and the best are reported.")
    var rounds = 9

    @Option(help: "Instruction set: portable, neon, avx2 or avx512. The best by default.")
    var level: String?

    func validate() throws {
        guard rounds > 0 else { throw ValidationError("--rounds must be at least 1.") }
        guard try !counts().isEmpty else { throw ValidationError("--threads names no number.") }
        _ = try chosenLevel()
    }

    func run() throws {
        let level = try chosenLevel()
        var report = Report(suite: "kernels")
        report.machine["kernels"] = level.rawValue
        report.machine["BLAS"] = BLAS.description
        report.printHeader(json: json)
        for count in try counts() {
            let pool = try WorkerPool(workers: count)
            for shape in ModelShape.all {
                try measureProducts(of: shape, pool: pool, level: level, into: &report)
                measureAttention(of: shape, pool: pool, level: level, into: &report)
                for matrix in shape.kinds {
                    for tokens in [1, 8, 32, 128, 512] {
                        report.add(
                            try ProductChoices(matrix, tokens: tokens, rounds: rounds, level: level)
                                .measure(model: shape.name, pool: pool),
                            json: json
                        )
                    }
                }
            }
        }
        measureSearches(level: level, into: &report)
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        }
    }

    private func counts() throws -> [Int] {
        try threads.split(separator: ",").map {
            guard let count = Int($0), (1...256).contains(count) else {
                throw ValidationError("--threads takes numbers from 1 to 256, not \($0).")
            }
            return count
        }
    }

    private func chosenLevel() throws -> KernelLevel {
        guard let level else { return .best }
        guard let chosen = KernelLevel(rawValue: level), chosen.isSupported else {
            let known = KernelLevel.supported.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--level \(level) does not run here; this processor has \(known).")
        }
        return chosen
    }

    private func measureProducts(
        of shape: ModelShape,
        pool: WorkerPool,
        level: KernelLevel,
        into report: inout Report
    ) throws {
        let memory = MatrixMemory()
        var matrices: [PackedMatrix] = []
        var stored = 0
        var packing = 0.0
        for matrix in shape.matrices {
            let bytes = matrix.randomBytes()
            stored += bytes.count
            packing += try Timing(rounds: 1, warm: false) {
                matrices.append(try matrix.packed(bytes, memory: memory, pool: pool))
            }.best
        }
        let threads = ["threads": String(pool.workers)]
        report.add(
            Measurement(
                name: "\(shape.name) pack",
                conditions: threads,
                figures: ["ms": packing * 1e3, "GB/s": Double(stored) / packing / 1e9]
            ),
            json: json
        )
        let bytes = matrices.reduce(0) { $0 + $1.byteCount }
        let weights = matrices.reduce(0) { $0 + $1.rows * $1.columns }
        let output = matrices[matrices.count - 1]
        let largest = matrices.map(\.rows).max() ?? 0
        for tokens in [1, 2, 4, 8, 512] {
            // A prompt goes through the output matrix once, so that is left out.
            let used = tokens > 8 ? Array(matrices.dropLast()) : matrices
            let work = tokens > 8 ? weights - output.rows * output.columns : weights
            let widest = tokens > 8 ? used.map(\.rows).max() ?? 0 : largest
            let batches = Dictionary(
                uniqueKeysWithValues: Set(used.map(\.columns)).map { columns in
                    let batch = ActivationBatch(columns: columns, capacity: tokens)
                    batch.count = tokens
                    let x = RandomBytes.floats(tokens * columns)
                    batch.prepare(rows: 0..<tokens, from: x, stride: columns, level: level)
                    return (columns, batch)
                }
            )
            nonisolated(unsafe) let result = UnsafeMutablePointer<Float>.allocate(capacity: tokens * widest)
            defer { result.deallocate() }
            let timing = Timing(rounds: rounds) {
                pool.run { worker in
                    for matrix in used {
                        guard let batch = batches[matrix.columns] else { continue }
                        matrix.multiply(
                            batch,
                            into: result,
                            stride: matrix.rows,
                            groups: pool.share(of: matrix.groupCount, worker: worker),
                            level: level
                        )
                        pool.barrier()
                    }
                }
            }
            var figures = [
                "ms": timing.median * 1e3,
                "ms at best": timing.best * 1e3,
                "tok/s": Double(tokens) / timing.median,
                "GMAC/s": Double(work * tokens) / timing.median / 1e9,
            ]
            if tokens <= 8 { figures["GB/s"] = Double(bytes) / timing.median / 1e9 }
            report.add(
                Measurement(
                    name:
                        "\(shape.name) products, \(tokens == 1 ? "decode" : tokens > 8 ? "prefill" : "batch")",
                    conditions: threads.merging(["tokens": String(tokens)]) { $1 },
                    figures: figures
                ),
                json: json
            )
        }
    }

    private func measureAttention(
        of shape: ModelShape,
        pool: WorkerPool,
        level: KernelLevel,
        into report: inout Report
    ) {
        let attention = AttentionShape(kvHeads: shape.kvHeads, headDimension: shape.headDimension)
        let width = shape.queryHeads * shape.headDimension
        let storage = (0..<8).map { _ in
            let page = UnsafeMutableRawPointer.allocate(byteCount: attention.pageBytes, alignment: 64)
            page.initializeMemory(as: UInt8.self, repeating: 0x11, count: attention.pageBytes)
            return page
        }
        defer { for page in storage { page.deallocate() } }
        nonisolated(unsafe) let pages = storage.map { UnsafeRawPointer($0) as UnsafeRawPointer? }
        let queries = RandomBytes.floats(512 * width)
        nonisolated(unsafe) let output = UnsafeMutablePointer<Float>.allocate(capacity: 512 * width)
        defer { output.deallocate() }
        let scale = 1 / Float(shape.headDimension).squareRoot()
        for prompt in [false, true] {
            let timing = Timing(rounds: rounds) {
                pool.run { worker in
                    let tokens = prompt ? 512 : 1
                    attention.attend(
                        queries: queries,
                        queryStride: width,
                        queryHeads: shape.queryHeads,
                        tokens: tokens,
                        pages: pages,
                        starts: [Int32](repeating: 0, count: tokens),
                        ends: prompt ? (1...512).map { Int32($0) } : [512],
                        scale: scale,
                        output: output,
                        outputStride: width,
                        queryHeadRange: pool.share(of: shape.queryHeads, worker: worker),
                        level: level
                    )
                }
            }
            let products = Double(2 * width) * (prompt ? 512 * 513 / 2 : 512)
            report.add(
                Measurement(
                    name: "\(shape.name) attention of a layer, \(prompt ? "prefill" : "decode")",
                    conditions: ["threads": String(pool.workers), "positions": "512"],
                    figures: ["µs": timing.median * 1e6, "GMAC/s": products / timing.median / 1e9]
                ),
                json: json
            )
        }
    }

    private func measureSearches(level: KernelLevel, into report: inout Report) {
        for count in [49_152, 262_144] {
            let logits = RandomBytes.floats(count).map { $0 * 10 }
            logits.withUnsafeBufferPointer { logits in
                let searches: [(String, () -> Void)] = [
                    ("argmax", { _ = Distribution.argmax(logits, level: level) }),
                    ("top 40", { _ = Distribution.topK(40, of: logits, level: level) }),
                    ("top 1024", { _ = Distribution.topK(1024, of: logits, level: level) }),
                    ("logSumExp", { _ = Distribution.logSumExp(logits, level: level) }),
                ]
                for (name, search) in searches {
                    let timing = Timing(rounds: rounds, search)
                    report.add(
                        Measurement(
                            name: name,
                            conditions: ["logits": String(count)],
                            figures: ["µs": timing.median * 1e6]
                        ),
                        json: json
                    )
                }
            }
        }
    }
}
