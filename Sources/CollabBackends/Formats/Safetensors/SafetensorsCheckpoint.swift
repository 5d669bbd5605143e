public import Collab

/// The weights in a safetensors file, or in a folder of them in Hugging Face's layout.
///
/// Nothing is read until it is asked for. Tensors of whole numbers or truth values, which are buffers rather than
/// weights, are kept apart in ``integerTensors``; quantised weights, which are stored as such, are refused. A
/// `quantization_config` in `config.json` decides nothing where all tensors are plain: a model that was fine-tuned in
/// quantised form and saved without it often has one left.
public struct SafetensorsCheckpoint: Checkpoint {
    /// What to call it in traces and errors.
    public let name: String
    /// The files.
    public let files: [SafetensorsFile]
    /// Tensors that are no weights: position ids, masks and the like, with the file that each is in.
    public let integerTensors: [(file: SafetensorsFile, tensor: SafetensorsTensor)]
    /// The configuration beside the weights: a ``HuggingFaceSpecification``.
    public let specification: any ModelSpecification
    private let stored: StoredTensors

    /// Opens a `.safetensors` file, or a folder that holds `model.safetensors` or an index of several.
    ///
    /// - Parameters:
    ///   - path: the file or folder.
    ///   - name: what to call it; the last part of the path if `nil`.
    ///   - root: where symbolic links in a folder may lead; see ``ModelFolder``.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound`, `malformedFile`, `inputOutput`, or `unsupported` for
    /// weights in a type that is not read here, among them the quantised ones of bitsandbytes, GPTQ and AWQ.
    public init(path: String, name: String? = nil, followingLinksInside root: String? = nil)
        throws(CollabError)
    {
        let label = name ?? lastComponent(of: path)
        if isFolder(path) {
            let folder = try ModelFolder(path: path, followingLinksInside: root)
            let specification = try HuggingFaceSpecification(folder: folder)
            let located = try Self.located(in: folder)
            try Self.check(specification.configuration["quantization_config"], borneOutBy: located, in: path)
            try self.init(located, name: label, specification)
        } else {
            let file = try SafetensorsFile(path: path)
            let specification = HuggingFaceSpecification(configuration: [:], folder: nil)
            try self.init(file.tensors.map { (file, $0) }, name: label, specification)
        }
    }

    private init(
        _ located: [(SafetensorsFile, SafetensorsTensor)],
        name: String,
        _ specification: HuggingFaceSpecification
    ) throws(CollabError) {
        var stored: [StoredTensor] = []
        var integers: [(file: SafetensorsFile, tensor: SafetensorsTensor)] = []
        var files: [SafetensorsFile] = []
        for (file, tensor) in located {
            if !files.contains(where: { $0 === file }) { files.append(file) }
            if let format = tensor.type.format {
                stored.append(
                    StoredTensor(
                        description: TensorDescription(
                            name: tensor.name,
                            shape: tensor.shape,
                            format: format
                        ),
                        file: file.file,
                        offset: tensor.offset,
                        byteCount: tensor.byteCount
                    )
                )
            } else if tensor.type.isInteger {
                guard !Self.quantisedSuffixes.contains(where: { tensor.name.hasSuffix($0) }) else {
                    throw CollabError(
                        .unsupported,
                        "The tensor “\(tensor.name.abbreviated)” of \(file.path) is of type \(tensor.type.rawValue): "
                            + "quantised weights, as of bitsandbytes, GPTQ or AWQ. Weights are read in F32, F16 and BF16. "
                            + "Dequantise it first, or take the model that it was made of."
                    )
                }
                integers.append((file, tensor))
            } else {
                throw CollabError(
                    .unsupported,
                    "The tensor “\(tensor.name.abbreviated)” of \(file.path) is of type \(tensor.type.rawValue); "
                        + "weights are read in F32, F16 and BF16. Convert it first."
                )
            }
        }
        self.name = name
        self.files = files
        self.specification = specification
        self.stored = StoredTensors(stored, name: name)
        integerTensors = integers
    }

    /// How the names of whole numbers end that stand for weights.
    private static let quantisedSuffixes = ["weight", "weight_packed", "qzeros", "W_q"]

    /// The tensors, in the order of the files and of the bytes within each.
    public var tensors: [TensorDescription] { stored.descriptions }

    /// The description of a tensor, or `nil`.
    public func description(of tensor: String) -> TensorDescription? { stored[tensor]?.description }

    /// The bytes of a tensor as they are in the file.
    public func storage(of tensor: String) -> TensorStorage? { stored.storage(of: tensor) }

    /// Reads a range of a tensor's elements as float32.
    public func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        try stored.read(tensor, elements: elements, into: buffer)
    }
}

extension SafetensorsCheckpoint {
    /// Throws if the configuration says that the weights are quantised and a tensor is of a type that quantised ones take:
    /// whatever the kind, its codes are whole numbers or floats of fewer than 16 bits. Positions and truth values are buffers
    /// of plain models too.
    private static func check(
        _ quantisation: JSONValue?,
        borneOutBy located: [(SafetensorsFile, SafetensorsTensor)],
        in path: String
    ) throws(CollabError) {
        guard let quantisation, !quantisation.isNull,
            let (_, tensor) = located.first(where: {
                $0.1.type.format == nil && ![.i64, .bool].contains($0.1.type)
            })
        else { return }
        let kind = quantisation["quant_method"]?.stringValue.map { " by \($0.abbreviated)" } ?? ""
        throw CollabError(
            .unsupported,
            "\(path) is quantised\(kind), as “quantization_config” in its config.json says and “\(tensor.name.abbreviated)” "
                + "of type \(tensor.type.rawValue) shows; weights are read in F32, F16 and BF16. Dequantise it first, or take "
                + "the model that it was made of."
        )
    }

    /// The tensors of a folder with the file that each is in.
    private static func located(in folder: ModelFolder) throws(CollabError) -> [(
        SafetensorsFile, SafetensorsTensor
    )] {
        if folder.contains("model.safetensors") {
            let file = try SafetensorsFile(try folder.map("model.safetensors"))
            return file.tensors.map { (file, $0) }
        }
        guard folder.contains(SafetensorsIndex.fileName) else {
            throw CollabError(
                .fileNotFound,
                "\(folder.path) has neither model.safetensors nor \(SafetensorsIndex.fileName)."
            )
        }
        return try located(by: try SafetensorsIndex(try folder.map(SafetensorsIndex.fileName)), in: folder)
    }

    /// Finds each tensor of an index in its file; throws if one is not there, or in a second file as well.
    private static func located(
        by index: SafetensorsIndex,
        in folder: ModelFolder
    ) throws(CollabError) -> [(SafetensorsFile, SafetensorsTensor)] {
        var expected: [UTF8Key: String] = [:]
        for (tensor, file) in index.shards { expected[UTF8Key(tensor)] = file }
        var located: [(SafetensorsFile, SafetensorsTensor)] = []
        for name in index.files {
            let file = try SafetensorsFile(try folder.map(name))
            for tensor in file.tensors {
                // What the index does not list is no part of the checkpoint.
                guard let listed = expected[UTF8Key(tensor.name)] else { continue }
                guard hasSameUTF8(listed, name) else {
                    throw CollabError(
                        .malformedFile,
                        "The tensor “\(tensor.name.abbreviated)” is in \(file.path), but the index says that it is in "
                            + "“\(listed.abbreviated)”."
                    )
                }
                located.append((file, tensor))
            }
        }
        guard located.count == index.shards.count else {
            let found = Set(located.map { UTF8Key($0.1.name) })
            let missing = index.shards.first { !found.contains(UTF8Key($0.tensor)) }
            throw CollabError(
                .malformedFile,
                "The index of \(folder.path) says that the tensor “\(missing?.tensor.abbreviated ?? "")” is in "
                    + "“\(missing?.file.abbreviated ?? "")”, which lacks it."
            )
        }
        return located
    }
}
