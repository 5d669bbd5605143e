import Collab

/// A model whose embeddings and output matrix have the rows of another vocabulary.
struct RealignedCheckpoint: Checkpoint {
    let source: any Checkpoint
    let tensors: [TensorDescription]
    private let rows: [MergedVocabulary.Source]
    /// All models of the merge, for rows that this one lacks.
    private let models: [any Checkpoint]
    private let descriptions: [String: TensorDescription]
    private let means = Protected<[String: [Float]]>([:])

    var name: String { source.name }
    var specification: any ModelSpecification { source.specification }

    /// - Parameters:
    ///   - rows: where each row comes from.
    ///   - models: what the rows' models are.
    init(
        _ source: any Checkpoint,
        rows: [MergedVocabulary.Source],
        models: [any Checkpoint]
    ) throws(CollabError) {
        self.source = source
        self.rows = rows
        self.models = models
        tensors = source.tensors.map { tensor in
            guard Self.hasVocabulary(tensor) else { return tensor }
            let shape = [rows.count] + tensor.shape.dropFirst()
            return TensorDescription(name: tensor.name, shape: shape, format: tensor.format)
        }
        descriptions = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
        for tensor in source.tensors where Self.hasVocabulary(tensor) {
            for row in rows { try check(row, tensor.name) }
        }
    }

    /// Whether a tensor has a row a token.
    static func hasVocabulary(_ tensor: TensorDescription) -> Bool {
        tensor.shape.count == 2
            && (tensor.name.hasSuffix("embed_tokens.weight") || tensor.name == "lm_head.weight"
                || tensor.name.hasSuffix("wte.weight") || tensor.name.hasSuffix("word_embeddings.weight"))
    }

    private func check(_ row: MergedVocabulary.Source, _ tensor: String) throws(CollabError) {
        let needed: [MergedVocabulary.Row]
        switch row {
        case .row(let model, let row): needed = [.init(model: model, row: row)]
        case .mean(let rows): needed = rows
        case .ownMean, .zero: needed = []
        }
        for place in needed {
            let description = models[place.model].description(of: tensor)
            guard let description, place.row < description.shape[0] else {
                throw CollabError(
                    .tensorMismatch,
                    "\(models[place.model].name) has no row \(place.row) of “\(tensor)”, though its tokenizer has a token of "
                        + "that number."
                )
            }
        }
    }

    func description(of tensor: String) -> TensorDescription? { descriptions[tensor] }

    func storage(of tensor: String) -> TensorStorage? {
        source.description(of: tensor).map(Self.hasVocabulary) == true ? nil : source.storage(of: tensor)
    }

    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        guard let description = descriptions[tensor], Self.hasVocabulary(description) else {
            return try source.read(tensor, elements: elements, into: buffer)
        }
        let width = description.shape[1]
        var start = elements.lowerBound
        while start < elements.upperBound {
            let row = start / width
            let end = min((row + 1) * width, elements.upperBound)
            let part = start - row * width..<end - row * width
            let place = start - elements.lowerBound
            let target = UnsafeMutableBufferPointer(rebasing: buffer[place..<place + part.count])
            try read(rows[row], of: tensor, width, part, into: target)
            start = end
        }
    }

    private func read(
        _ row: MergedVocabulary.Source,
        of tensor: String,
        _ width: Int,
        _ part: Range<Int>,
        into target: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        func fetch(_ checkpoint: any Checkpoint, _ row: Int) throws(CollabError) -> [Float] {
            try checkpoint.values(
                of: tensor,
                elements: row * width + part.lowerBound..<row * width + part.upperBound
            )
        }
        switch row {
        case .row(let model, let row):
            let range = row * width + part.lowerBound..<row * width + part.upperBound
            try models[model].read(tensor, elements: range, into: target)
        case .zero: target.update(repeating: 0)
        case .mean(let rows):
            var sums = [Double](repeating: 0, count: part.count)
            for place in rows {
                for (index, value) in try fetch(models[place.model], place.row).enumerated() {
                    sums[index] += Double(value)
                }
            }
            for index in sums.indices { target[index] = Float(sums[index] / Double(rows.count)) }
        case .ownMean:
            let mean = try mean(of: tensor, width)
            for (index, value) in mean[part].enumerated() { target[index] = value }
        }
    }

    /// The mean of the rows that have a token, which pads the rest.
    private func mean(of tensor: String, _ width: Int) throws(CollabError) -> [Float] {
        if let known = means.withLock({ $0[tensor] }) { return known }
        var sums = [Double](repeating: 0, count: width)
        var count = 0.0
        let row = UnsafeMutableBufferPointer<Float>.allocate(capacity: width)
        defer { row.deallocate() }
        for source in rows where source != .ownMean {
            try read(source, of: tensor, width, 0..<width, into: row)
            for (index, value) in row.enumerated() { sums[index] += Double(value) }
            count += 1
        }
        let mean = sums.map { Float($0 / max(1, count)) }
        means.withLock { $0[tensor] = mean }
        return mean
    }
}
