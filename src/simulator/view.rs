//! The ways in which one record can be shown.

/// Version of the API (F1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Api {
    /// `…/calldetails`: fewer fields.
    V1,
    /// `…/v2/interactionDetails`.
    #[default]
    V2,
}

/// A field that rows carry only if it is asked for (F3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// `skills`
    Skills,
    /// `customerinfo`
    CustomerInfo,
    /// `userleveltags`
    UserLevelTags,
    /// `sessionleveltags`
    SessionLevelTags,
    /// `campaigninfo`; v1 takes the name and shows nothing.
    CampaignInfo,
}

impl Field {
    /// Every selectable field.
    pub const ALL: [Self; 5] =
        [Self::Skills, Self::CustomerInfo, Self::UserLevelTags, Self::SessionLevelTags, Self::CampaignInfo];

    /// As the body of a request names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skills => "skills",
            Self::CustomerInfo => "customerinfo",
            Self::UserLevelTags => "userleveltags",
            Self::SessionLevelTags => "sessionleveltags",
            Self::CampaignInfo => "campaigninfo",
        }
    }

    /// The field of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }
}

/// How records are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Version of the API.
    pub api: Api,
    /// Minutes to add to a naive time for UTC (F13; India −330).
    pub time_zone_offset: i32,
    /// Selected fields.
    pub fields: Vec<Field>,
}

impl View {
    /// Everything that `api` has, in UTC.
    pub fn whole(api: Api) -> Self {
        Self { api, time_zone_offset: 0, fields: Field::ALL.to_vec() }
    }

    pub(super) fn selects(&self, field: Field) -> bool {
        self.fields.contains(&field)
    }

    pub(super) fn is_v2(&self) -> bool {
        self.api == Api::V2
    }
}
