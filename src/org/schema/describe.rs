//! The schema as Salesforce's describe tells it.

use serde_json::{Map, Value, json};

use super::{Field, Kind, Object, Schema};

impl Schema {
    /// `GET …/sobjects`.
    #[must_use]
    pub fn describe_global(&self, api_version: u32) -> Value {
        let objects: Vec<Value> =
            self.objects().iter().map(|o| Value::Object(o.summary(api_version))).collect();
        json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})
    }
}

impl Object {
    /// `GET …/sobjects/X/describe`.
    #[must_use]
    pub fn describe(&self, api_version: u32) -> Value {
        let mut out = self.summary(api_version);
        out.insert("fields".into(), self.fields.iter().map(Field::describe).collect());
        let children = self.children.iter().map(|c| {
            json!({
                "cascadeDelete": c.cascade, "childSObject": c.object, "deprecatedAndHidden": false,
                "field": c.field, "junctionIdListNames": [], "junctionReferenceTo": [],
                "relationshipName": (!c.relationship.is_empty()).then_some(&c.relationship),
                "restrictedDelete": false,
            })
        });
        out.insert("childRelationships".into(), children.collect());
        out.insert(
            "recordTypeInfos".into(),
            json!([{
                "active": true, "available": true, "defaultRecordTypeMapping": true, "developerName": "Master",
                "master": true, "name": "Master", "recordTypeId": "012000000000000AAA",
                "urls": {"layout": format!("{}/describe/layouts/012000000000000AAA", self.url(api_version))},
            }]),
        );
        for (key, value) in [
            ("actionOverrides", json!([])),
            ("namedLayoutInfos", json!([])),
            (
                "supportedScopes",
                json!([{"label": "All", "name": "everything"}, {"label": "My", "name": "mine"}]),
            ),
            ("compactLayoutable", json!(true)),
            ("searchLayoutable", json!(self.searchable)),
            ("listviewable", Value::Null),
            ("lookupLayoutable", Value::Null),
            ("networkScopeFieldName", Value::Null),
            ("sobjectDescribeOption", json!("FULL")),
        ] {
            out.insert(key.into(), value);
        }
        Value::Object(out)
    }

    /// The entry of this object in the global describe, `objectDescribe` of `GET …/sobjects/X`.
    #[must_use]
    pub fn summary(&self, api_version: u32) -> Map<String, Value> {
        let url = self.url(api_version);
        let mut out = Map::new();
        for (key, value) in [
            ("activateable", json!(false)),
            ("associateEntityType", Value::Null),
            ("associateParentEntity", Value::Null),
            ("createable", json!(self.writable)),
            ("custom", json!(self.custom)),
            ("customSetting", json!(false)),
            ("deepCloneable", json!(false)),
            ("deletable", json!(self.writable)),
            ("deprecatedAndHidden", json!(false)),
            ("feedEnabled", json!(self.children.iter().any(|c| c.relationship == "Feeds"))),
            ("hasSubtypes", json!(false)),
            ("isInterface", json!(false)),
            ("isSubtype", json!(false)),
            ("keyPrefix", json!(self.prefix)),
            ("label", json!(self.label)),
            ("labelPlural", json!(self.label_plural)),
            ("layoutable", json!(true)),
            ("mergeable", json!(matches!(self.name.as_str(), "Account" | "Contact" | "Lead" | "Case"))),
            ("mruEnabled", json!(true)),
            ("name", json!(self.name)),
            ("queryable", json!(true)),
            ("replicateable", json!(true)),
            ("retrieveable", json!(true)),
            ("searchable", json!(self.searchable)),
            ("triggerable", json!(self.writable)),
            ("undeletable", json!(self.writable)),
            ("updateable", json!(self.writable)),
            (
                "urls",
                json!({"rowTemplate": format!("{url}/{{ID}}"), "describe": format!("{url}/describe"), "sobject": url}),
            ),
        ] {
            out.insert(key.into(), value);
        }
        out
    }

    fn url(&self, api_version: u32) -> String {
        format!("/services/data/v{api_version}.0/sobjects/{}", self.name)
    }
}

impl Field {
    /// One entry of `fields`.
    fn describe(&self) -> Value {
        let values: Vec<Value> = self
            .values
            .iter()
            .map(|v| {
                json!({
                    "active": true, "defaultValue": v.default, "label": v.label.as_ref().unwrap_or(&v.value),
                    "validFor": null, "value": v.value,
                })
            })
            .collect();
        let (digits, precision, scale) = match self.kind {
            Kind::Int => (if self.precision == 0 { 9 } else { self.precision }, 0, 0),
            Kind::Double | Kind::Currency | Kind::Percent => {
                (0, if self.precision == 0 { 18 } else { self.precision }, self.scale)
            }
            _ => (0, 0, 0),
        };
        let default_value = match self.kind {
            Kind::Boolean => json!(self.default == Some(Value::Bool(true))),
            _ => json!(self.values.iter().find(|v| v.default).map(|v| &v.value)),
        };
        let entries = [
            (
                "aggregatable",
                json!(!matches!(
                    self.kind,
                    Kind::Boolean | Kind::Address | Kind::TextArea | Kind::MultiPicklist
                )),
            ),
            ("aiPredictionField", json!(false)),
            ("autoNumber", json!(self.auto_number.is_some())),
            ("byteLength", json!(self.length * 3)),
            ("calculated", json!(self.calculated && self.kind != Kind::Address && !self.name_field)),
            ("calculatedFormula", Value::Null),
            ("cascadeDelete", json!(self.cascade)),
            ("caseSensitive", json!(self.case_sensitive)),
            ("compoundFieldName", Value::Null),
            ("controllerName", Value::Null),
            ("createable", json!(self.createable)),
            ("custom", json!(self.custom)),
            ("defaultValue", default_value),
            ("defaultValueFormula", Value::Null),
            ("defaultedOnCreate", json!(self.defaulted())),
            ("dependentPicklist", json!(false)),
            ("deprecatedAndHidden", json!(false)),
            ("digits", json!(digits)),
            ("displayLocationInDecimal", json!(false)),
            ("encrypted", json!(false)),
            ("externalId", json!(self.external_id)),
            ("extraTypeInfo", Value::Null),
            ("filterable", json!(self.filterable)),
            ("filteredLookupInfo", Value::Null),
            ("formulaTreatNullNumberAsZero", json!(false)),
            ("groupable", json!(self.groupable)),
            ("highScaleNumber", json!(false)),
            ("htmlFormatted", json!(false)),
            ("idLookup", json!(self.external_id || self.kind == Kind::Id)),
            ("inlineHelpText", Value::Null),
            ("label", json!(self.label)),
            ("length", json!(self.length)),
            ("mask", Value::Null),
            ("maskType", Value::Null),
            ("name", json!(self.name)),
            ("nameField", json!(self.name_field)),
            ("namePointing", json!(self.references.len() > 1)),
            ("nillable", json!(!self.required && self.kind != Kind::Boolean)),
            ("permissionable", json!(!self.required)),
            ("picklistValues", json!(values)),
            ("polymorphicForeignKey", json!(self.references.len() > 1)),
            ("precision", json!(precision)),
            ("queryByDistance", json!(false)),
            ("referenceTargetField", Value::Null),
            ("referenceTo", json!(self.references)),
            ("relationshipName", json!(self.relationship)),
            ("relationshipOrder", Value::Null),
            ("restrictedDelete", json!(false)),
            ("restrictedPicklist", json!(self.restricted)),
            ("scale", json!(scale)),
            ("searchPrefilterable", json!(self.kind == Kind::Reference)),
            ("soapType", json!(self.kind.soap_type())),
            ("sortable", json!(self.sortable)),
            ("type", json!(self.kind.name())),
            ("unique", json!(self.unique)),
            ("updateable", json!(self.updateable)),
            ("writeRequiresMasterRead", json!(false)),
        ];
        entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>().into()
    }

    /// Creation without a value is given one.
    #[must_use]
    pub fn defaulted(&self) -> bool {
        self.default.is_some()
            || self.kind == Kind::Boolean
            || self.auto_number.is_some()
            || self.values.iter().any(|v| v.default)
            || matches!(
                self.name.as_str(),
                "Id" | "OwnerId"
                    | "CreatedDate"
                    | "CreatedById"
                    | "LastModifiedDate"
                    | "LastModifiedById"
                    | "SystemModstamp"
            )
    }
}

impl Kind {
    /// The type's name in describe.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Reference => "reference",
            Self::String => "string",
            Self::TextArea => "textarea",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Double => "double",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Time => "time",
            Self::Picklist => "picklist",
            Self::MultiPicklist => "multipicklist",
            Self::ComboBox => "combobox",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Address => "address",
        }
    }

    fn soap_type(self) -> &'static str {
        match self {
            Self::Id | Self::Reference => "tns:ID",
            Self::Boolean => "xsd:boolean",
            Self::Int => "xsd:int",
            Self::Double | Self::Currency | Self::Percent => "xsd:double",
            Self::Date => "xsd:date",
            Self::DateTime => "xsd:dateTime",
            Self::Time => "xsd:time",
            Self::Address => "urn:address",
            _ => "xsd:string",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describe_tells_what_clients_ask() {
        let schema = Schema::standard().unwrap();
        let case = schema.object("case").unwrap().describe(66);
        assert_eq!(case["keyPrefix"], "500");
        assert_eq!(case["urls"]["rowTemplate"], "/services/data/v66.0/sobjects/Case/{ID}");
        let fields = case["fields"].as_array().unwrap();
        let key = fields.iter().find(|f| f["name"] == "WriteKey__c").unwrap();
        assert_eq!(
            (&key["unique"], &key["externalId"], &key["idLookup"]),
            (&json!(true), &json!(true), &json!(true))
        );
        let owner = fields.iter().find(|f| f["name"] == "OwnerId").unwrap();
        assert_eq!(owner["referenceTo"], json!(["Group", "User"]));
        let children = case["childRelationships"].as_array().unwrap();
        assert!(
            children.iter().any(|c| c["relationshipName"] == "CaseComments" && c["cascadeDelete"] == true)
        );
        assert_eq!(schema.describe_global(66)["sobjects"].as_array().unwrap().len(), schema.objects().len());
    }
}
