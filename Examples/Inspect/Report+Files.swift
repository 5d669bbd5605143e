import Collab
import CollabBackends

extension Report {
    /// What kind of file it is and how large.
    mutating func describe(_ file: GGUFFile) {
        section(name(of: file.path), "GGUF version \(file.version)")
        row(
            "architecture",
            ((try? file.metadata.string("general.architecture")) ?? "not named").quoted(limit: 60)
        )
        if let name = try? file.metadata.string("general.name") { row("name", name.quoted(limit: 60)) }
        row("size", "\(formattedSize(file.file.count)) (\(file.file.count.grouped) bytes)")
        row("parameters", file.tensors.reduce(0) { $0 + $1.elementCount }.grouped)
        row("data", "from byte \(file.dataOffset.grouped), aligned to \(file.alignment)")
    }

    /// What is in a folder or file of safetensors.
    mutating func describe(_ checkpoint: SafetensorsCheckpoint) {
        section(checkpoint.name.quoted(limit: 60), "safetensors")
        row("architecture", checkpoint.specification.architecture.quoted(limit: 60))
        for file in checkpoint.files {
            row(
                "file",
                "\(name(of: file.path))  \(formattedSize(file.file.count)) (\(file.file.count.grouped) bytes)"
            )
        }
        let counts = checkpoint.files.flatMap(\.tensors).map(\.elementCount)
        row("parameters", counts.reduce(0, +).grouped)
        let metadata = checkpoint.files.flatMap { $0.metadata.sorted { $0.key < $1.key } }
        if !metadata.isEmpty {
            section("Metadata", counted(metadata.count, "text"))
            for (key, value) in metadata { row(key.quoted(limit: 60), value.quoted(limit: 80)) }
        }
        let specification = checkpoint.specification as? HuggingFaceSpecification
        if let configuration = specification?.configuration.objectValue, !configuration.isEmpty {
            section("Configuration", "config.json")
            for member in configuration {
                row(member.key.quoted(limit: 60), member.value.description.quoted(limit: 80))
            }
        }
    }

    /// The keys and values of a GGUF file.
    mutating func describeMetadata(_ metadata: GGUFMetadata) {
        section("Metadata", counted(metadata.entries.count, "key"))
        for entry in metadata.entries {
            switch entry.value {
            case .array(let array):
                row(
                    entry.key.quoted(limit: 60),
                    "\(array.elementType)[\(array.count.grouped)]",
                    preview(of: array)
                )
            default: row(entry.key.quoted(limit: 60), "\(entry.type)", text(of: entry.value, limit: 80))
            }
        }
    }

    private func preview(of array: GGUFArray) -> String {
        let shown = 6
        let elements = (0..<min(shown, array.count)).map { text(of: array[$0], limit: 16, inArray: true) }
        return elements.joined(separator: ", ") + (array.count > shown ? ", …" : "")
    }

    private func text(of value: GGUFValue, limit: Int, inArray: Bool = false) -> String {
        switch value {
        case .integer(let value): "\(value)"
        case .unsigned(let value): "\(value)"
        case .float32(let value): "\(value)"
        case .float64(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .string(let value): inArray ? "“\(value.quoted(limit: limit))”" : value.quoted(limit: limit)
        case .array(let array): "\(array.elementType)[\(array.count.grouped)]"
        }
    }

    private func name(of path: String) -> String {
        (path.split(separator: "/").last.map(String.init) ?? path).quoted(limit: 80)
    }
}
