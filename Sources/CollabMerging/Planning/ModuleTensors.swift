import Collab

/// To which of a configuration's modules the tensors of a model belong.
///
/// A module is named as mergekit names it. Where mergekit knows the architecture, that is after what it does:
/// `text_decoder`, `vision_tower` (`vision_model` in Llama 4), `multi_modal_projector`, or `encoder`, `decoder` and
/// `shared`. Elsewhere it is what stands before the numbers of a stack of layers, such as `model.visual.blocks`, and
/// `default` is all the rest. Here both are known for every model, and `default` also has what is in none of the modules
/// that are listed.
struct ModuleTensors {
    /// The names by which the model's parts can be meant, in the two ways of naming.
    let known: [String]
    /// Which module a tensor belongs to; `nil` if all belong to the only one.
    private let owners: [String: Int]?

    /// - Parameters:
    ///   - names: of the modules; `nil` for one that is the whole model.
    ///   - model: what to call the model in errors.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` for a module that the model has not, for a tensor of two
    /// modules, and for one of none: mergekit leaves such tensors out, and the result is no model.
    init(_ names: [String?], of model: String, _ tensors: [TensorDescription]) throws(CollabError) {
        let names = names.map { $0 ?? Self.rest }
        let claims = ModuleClaims(names, tensors)
        known = claims.known
        // With one module there is nothing to confuse, whatever it is called, unless the model has several parts.
        if names.count == 1, names[0] == Self.rest || LayerStacks(tensors).prefixes.count <= 1 {
            owners = nil
            return
        }
        let parts = "\(model) has the modules \(claims.known.joined(separator: ", "))."
        var owners: [String: Int] = [:]
        var missing: (tensor: String, modules: [String])?
        for tensor in tensors.map(\.name) {
            let found = claims.owners(of: tensor)
            guard found.count <= 1 else {
                let both = found.map { "“\(names[$0])”" }.joined(separator: " and ")
                throw CollabError(
                    .invalidRequest,
                    "“\(tensor)” of \(model) is in the modules \(both). \(parts)"
                )
            }
            owners[tensor] = found.first
            guard found.isEmpty else { continue }
            let name = claims.name(for: tensor)
            if missing?.modules.contains(name) != true {
                missing = (missing?.tensor ?? tensor, (missing?.modules ?? []) + [name])
            }
        }
        let used = Set(owners.values)
        if let empty = names.indices.first(where: { !used.contains($0) }) {
            throw CollabError(.invalidRequest, "\(model) has no module “\(names[empty])”. \(parts)")
        }
        if let missing {
            throw CollabError(
                .invalidRequest,
                "“\(missing.tensor)” of \(model) is in none of the modules that are listed, and the result would lack it; "
                    + "list \(missing.modules.joined(separator: ", ")) too. \(parts)"
            )
        }
        self.owners = owners
    }

    /// What has all the tensors that nothing else has.
    static let rest = "default"

    /// Whether a tensor belongs to the module of that place in the configuration.
    func owns(_ tensor: String, _ module: Int) -> Bool {
        guard let owners else { return true }
        return owners[tensor] == module
    }
}

/// Which modules ask for which tensors of a model.
private struct ModuleClaims {
    /// What a module's name means in this model.
    private enum Meaning: Hashable {
        /// What stands before the numbers of a stack's layers.
        case stack(String)
        case part(ModelPart)
        case rest
        case nothing
    }

    /// The names by which the model's parts can be meant, in the two ways of naming.
    let known: [String]
    private let meanings: [Meaning]
    private let parts: [String: ModelPart]
    /// Whether the configuration names stacks rather than what they do.
    private let namesStacks: Bool
    private let visionName: String

    init(_ names: [String], _ tensors: [TensorDescription]) {
        let stacks = LayerStacks(tensors).prefixes.map { String($0.dropLast()) }
        var parts: [String: ModelPart] = [:]
        for tensor in tensors { parts[tensor.name] = ModelPart(tensor: tensor.name) }
        // The output matrix stands behind the decoder and, where the embeddings are shared, is often the same.
        let all = Set(parts.values)
        if all.contains(.decoder), parts["lm_head.weight"] != nil {
            parts["lm_head.weight"] = all.contains(.shared) ? .shared : .decoder
        }
        self.parts = parts
        meanings = names.map { name in
            if let stack = Self.stack(named: name, among: stacks) { return .stack(stack + ".") }
            if name == ModuleTensors.rest { return .rest }
            return ModelPart(named: name).map { .part($0) } ?? .nothing
        }
        namesStacks = meanings.contains { if case .stack = $0 { true } else { false } }
        let isModel = tensors.contains { $0.name.hasPrefix("vision_model.") }
        let visionName = isModel ? "vision_model" : "vision_tower"
        self.visionName = visionName
        let order: [ModelPart] = [.text, .projector, .vision, .encoder, .decoder, .shared]
        let found = Set(parts.values)
        known =
            order.filter { found.contains($0) }.map { $0 == .vision ? visionName : $0.rawValue } + stacks
            + [ModuleTensors.rest]
    }

    /// The stack of that name, also as transformers has called it in another of its versions.
    ///
    /// In those `language_model.model.layers` and `model.language_model.layers` are the same, and so are
    /// `vision_tower.vision_model.encoder.layers` and `model.vision_tower.encoder.layers`; mergekit has its names from the
    /// version that is installed.
    private static func stack(named name: String, among stacks: [String]) -> String? {
        if stacks.contains(name) { return name }
        func core(_ name: String) -> [Substring] {
            name.split(separator: ".").filter { $0 != "model" && $0 != "vision_model" }
        }
        let found = stacks.filter { !core($0).isEmpty && core($0) == core(name) }
        return found.count == 1 ? found[0] : nil
    }

    /// The places of the modules that a tensor belongs to.
    func owners(of tensor: String) -> [Int] {
        let stack = TensorPlace.stack(of: tensor)
        let found = meanings.indices.filter { place in
            switch meanings[place] {
            case .stack(let prefix): stack == prefix
            case .part(let part): parts[tensor] == part
            case .rest, .nothing: false
            }
        }
        guard found.isEmpty else { return found }
        return meanings.firstIndex(of: .rest).map { [$0] } ?? []
    }

    /// A name for what a tensor belongs to, in the configuration's way of naming.
    func name(for tensor: String) -> String {
        if !namesStacks, let part = parts[tensor] { return part == .vision ? visionName : part.rawValue }
        return TensorPlace.stack(of: tensor).map { String($0.dropLast()) } ?? ModuleTensors.rest
    }
}
