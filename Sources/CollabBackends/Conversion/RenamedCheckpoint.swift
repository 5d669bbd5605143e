public import Collab

/// A transformer's weights as the other kind of file has them: a GGUF file's under the names of transformers, or a
/// folder's under those of GGUF.
///
/// Names, the order of the rows of queries and keys, and what is added to the weights of norms differ between the two;
/// numbers do not. Nothing is copied but the stored bytes of matrices whose rows change places.
public struct RenamedCheckpoint: Checkpoint, Identifiable {
    /// What the weights are called here.
    public let naming: TensorNaming
    /// The weights as they are stored.
    public let source: any Checkpoint
    /// The tensors, in the order of a model.
    public let tensors: [TensorDescription]
    private let places: [String: Place]
    /// Tensors that one format has and the other works out: divisors of rotation frequencies.
    private let constants: [String: [Float]]
    private let identity = Identity()

    /// Tells values that were made separately apart.
    private final class Identity: Sendable {}

    /// Where a tensor comes from.
    private struct Place: Sendable {
        var description: TensorDescription
        var original: String
        var order: RowOrder?
        var offset: Float
    }

    /// Gives a transformer's weights the names of a format.
    ///
    /// Throws ``Collab/CollabError`` with `unsupported` and `malformedFile` for a model that the engine does not know,
    /// and for heads that are rotated in part, whose order of rows converters do not agree on.
    public init(_ source: any Checkpoint, as naming: TensorNaming) throws(CollabError) {
        let configuration = try TransformerConfiguration(describing: source)
        try configuration.validate(against: source)
        var other = configuration
        other.layout = configuration.layout.renamed(naming, family: configuration.family)
        var places: [String: Place] = [:]
        var tensors: [TensorDescription] = []
        func add(_ stored: TensorPlace?, _ renamed: TensorPlace?, _ order: RowOrder?) {
            guard let stored, let renamed, places[renamed.name] == nil,
                let found = source.description(of: stored.name)
            else { return }
            let description = TensorDescription(
                name: renamed.name,
                shape: found.shape,
                format: found.format
            )
            tensors.append(description)
            places[renamed.name] = Place(
                description: description,
                original: stored.name,
                order: order,
                offset: stored.offset - renamed.offset
            )
        }
        add(configuration.place(of: .embedding), other.place(of: .embedding), nil)
        for layer in configuration.layers.indices {
            for tensor in LayerTensor.allCases {
                let order = try configuration.rowOrder(
                    of: tensor,
                    from: configuration.layout.naming,
                    to: naming
                )
                add(configuration.place(of: tensor, in: layer), other.place(of: tensor, in: layer), order)
            }
        }
        add(configuration.place(of: .outputNorm), other.place(of: .outputNorm), nil)
        add(configuration.place(of: .output), other.place(of: .output), nil)
        let constants = naming == .gguf ? try configuration.divisorTensors(of: source) : [:]
        for (name, values) in constants.sorted(by: { $0.key < $1.key }) {
            tensors.append(TensorDescription(name: name, shape: [values.count], format: .f32))
        }
        self.constants = constants
        self.naming = naming
        self.source = source
        self.tensors = tensors
        self.places = places
    }

    /// Equal for copies of one value.
    public var id: ObjectIdentifier { ObjectIdentifier(identity) }
    /// The source's name.
    public var name: String { source.name }
    /// What the weights are of.
    public var specification: any ModelSpecification { source.specification }
    /// What a tensor is called in the source; `nil` for those that are worked out.
    package func original(of tensor: String) -> String? { places[tensor]?.original }
    /// The description of a tensor, or `nil`.
    public func description(of tensor: String) -> TensorDescription? {
        places[tensor]?.description
            ?? constants[tensor].map { TensorDescription(name: tensor, shape: [$0.count], format: .f32) }
    }

    /// The stored bytes, with rows in their new order; `nil` where numbers are added to.
    public func storage(of tensor: String) -> TensorStorage? {
        guard let place = places[tensor], place.offset == 0, let stored = source.storage(of: place.original)
        else {
            return nil
        }
        return place.order.map { $0.applied(to: stored, rows: place.description.shape[0]) } ?? stored
    }

    /// Reads a range of a tensor's elements as float32.
    public func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        guard let description = description(of: tensor) else {
            throw CollabError(.tensorMismatch, "\(name) has no tensor called “\(tensor)”.")
        }
        guard elements.lowerBound >= 0, elements.upperBound <= description.elementCount,
            buffer.count == elements.count
        else {
            throw CollabError(
                .tensorMismatch,
                "The elements \(elements) of “\(tensor)” cannot be read into \(buffer.count)."
            )
        }
        guard let place = places[tensor] else {
            _ = buffer.update(fromContentsOf: (constants[tensor] ?? [])[elements])
            return
        }
        if let order = place.order {
            let columns = place.description.elementCount / max(1, place.description.shape[0])
            var start = elements.lowerBound
            while start < elements.upperBound {
                let row = start / columns
                let end = min((row + 1) * columns, elements.upperBound)
                let first = order.source(of: row) * columns + start - row * columns
                try source.read(
                    place.original,
                    elements: first..<first + end - start,
                    into: UnsafeMutableBufferPointer(
                        rebasing: buffer[start - elements.lowerBound..<end - elements.lowerBound]
                    )
                )
                start = end
            }
        } else {
            try source.read(place.original, elements: elements, into: buffer)
        }
        if place.offset != 0 { for index in buffer.indices { buffer[index] += place.offset } }
    }
}

extension TensorLayout {
    /// The layout of the same weights under other names.
    func renamed(_ naming: TensorNaming, family: ModelFamily) -> TensorLayout {
        TensorLayout(
            naming: naming,
            fusesProjections: fusesProjections,
            normOffset: naming == .huggingFace && family.isGemma ? 1 : 0
        )
    }
}

extension TransformerConfiguration {
    /// The divisors of rotation frequencies that a GGUF file keeps as tensors: those of the file itself, or Llama 3's.
    fileprivate func divisorTensors(of source: any Checkpoint) throws(CollabError) -> [String: [Float]] {
        var tensors: [String: [Float]] = [:]
        if let specification = source.specification as? GGUFSpecification {
            let stored = try GGUFCheckpoint(specification.file)
            for name in RotationDivisors.allCases.map(\.rawValue) where stored.description(of: name) != nil {
                tensors[name] = try stored.values(of: name)
            }
        } else if let divisors = layers.compactMap(\.rotation).last?.divisors, !divisors.isEmpty {
            tensors[RotationDivisors.llama3.rawValue] = divisors.map { Float($0) }
        }
        return tensors
    }

    /// How the rows of queries and keys change places between formats; `nil` where they do not.
    fileprivate func rowOrder(
        of tensor: LayerTensor,
        from naming: TensorNaming,
        to other: TensorNaming
    ) throws(CollabError) -> RowOrder? {
        guard naming != other, family.pairsNeighboursInGGUF else { return nil }
        switch tensor {
        case .query, .key, .queryBias, .keyBias: break
        default: return nil
        }
        guard rotaryDimension == headDimension else {
            throw CollabError(
                .unsupported,
                "\(architecture) rotates \(rotaryDimension) of the \(headDimension) elements of a head; models that rotate a part "
                    + "are not converted."
            )
        }
        return RowOrder(headDimension: headDimension, pairsNeighbours: other == .gguf)
    }
}
